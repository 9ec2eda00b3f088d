package router

import (
	"context"
	"time"
)

// Metadata is what a message brings besides its value.
type Metadata struct {
	Topic       string
	Partition   int32
	Offset      string            // a number on Kafka and in memory, an entry id on Redis
	Key         string            // what it says, where the topic has a KeyFormat
	Headers     map[string]string // of repeated headers the last
	Attempt     int               // from 1
	PublishedAt time.Time
	Group       string
	Handler     string
	ID          string
	Tombstone   bool // the value is nil
}

// Meta returns the metadata of the message that ctx belongs to, the first one in a batch; the
// zero value outside of a handler.
func Meta(ctx context.Context) Metadata {
	if ms := Batch(ctx); len(ms) > 0 {
		return ms[0]
	}
	return Metadata{}
}

// Batch returns the metadata of all messages of a batch, by index.
func Batch(ctx context.Context) []Metadata {
	switch c := ctx.Value(callKey{}).(type) {
	case *call:
		return []Metadata{c.metadata()}
	case *batchCall:
		ms := make([]Metadata, len(c.calls))
		for i, one := range c.calls {
			ms[i] = one.metadata()
		}
		return ms
	}
	return nil
}

func (c *call) metadata() Metadata {
	return Metadata{
		Topic: c.rec.Topic, Partition: c.rec.Partition, Offset: c.rec.Offset,
		Key: c.key(), Headers: c.rec.Headers.Map(),
		Attempt: c.d.Attempt(), PublishedAt: c.rec.Time,
		Group: c.h.info.Group, Handler: c.h.info.Name, ID: c.id(), Tombstone: c.rec.Value == nil,
	}
}

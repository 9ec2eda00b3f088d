package router

import (
	"bytes"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
)

// message is the record as Watermill's middleware sees it. It has no acknowledgement of its
// own: what the handler returns decides.
func (c *call) message() *message.Message {
	m := &message.Message{UUID: c.id(), Metadata: c.rec.Headers.Map(), Payload: c.rec.Value}
	m.SetContext(c)
	return m
}

// toMessage shows a result to middleware.
func toMessage(rec *broker.Record) *message.Message {
	return &message.Message{UUID: rec.ID, Metadata: rec.Headers.Map(), Payload: rec.Value}
}

// fromMessage takes a result back, with what middleware changed; its key is that of the
// handler's result.
func fromMessage(topic string, m *message.Message, result *broker.Record) *broker.Record {
	rec := &broker.Record{Topic: topic, Value: m.Payload, ID: m.UUID, Headers: metadataHeaders(m.Metadata)}
	if result != nil {
		rec.Key, rec.Time = result.Key, result.Time
	}
	return rec
}

// unchanged tells whether m still says what its record does.
func unchanged(m *message.Message, rec *broker.Record) bool {
	if m.UUID != rec.ID || len(m.Metadata) != len(rec.Headers) || !bytes.Equal(m.Payload, rec.Value) || m.Payload == nil {
		return false
	}
	for i := range rec.Headers {
		if v, ok := m.Metadata[rec.Headers[i].Key]; !ok || v != string(rec.Headers[i].Value) {
			return false
		}
	}
	return true
}

func metadataHeaders(m message.Metadata) broker.Headers {
	hs := make(broker.Headers, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		hs = append(hs, broker.Header{Key: k, Value: []byte(m[k])})
	}
	return hs
}

package router

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/router/broker"
)

// Limits of what a dead letter tells.
const (
	maxStack     = 4 << 10
	maxErrorText = 4 << 10
	shortText    = 200
)

// deadLetter is the message as it came, with headers that say what happened.
func (c *call) deadLetter(err error, kind outcome.Kind) *broker.Record {
	rec := &broker.Record{Topic: c.h.info.DeadLetter, Key: c.rec.Key, Value: c.rec.Value, ID: c.rec.ID}
	rec.Headers = append(slices.Clone(c.rec.Headers), c.report(err, kind)...)
	if c.h.r.broker.Outputs().Check(rec) != nil {
		rec = c.shrink(rec)
	}
	return rec
}

func (c *call) report(err error, kind outcome.Kind) broker.Headers {
	now := time.Now()
	text, name := cut(err.Error(), maxErrorText), c.h.info.Name
	hs := headers(
		"leat-error", text, "leat-error-kind", string(kind), "leat-error-stack", stackOf(err),
		"leat-attempts", strconv.Itoa(c.d.Attempt()), "leat-handler", name, "leat-group", c.h.info.Group,
		"leat-original-topic", c.rec.Topic, "leat-original-partition", strconv.Itoa(int(c.rec.Partition)),
		"leat-original-offset", c.rec.Offset, "leat-original-time", timeText(c.rec.Time),
		"leat-first-failed-at", timeText(c.firstFailed(now)), "leat-last-failed-at", timeText(now),
		"leat-service", c.h.r.service, "leat-schema-id", schemaID(err),
		"reason_poisoned", text, "topic_poisoned", c.rec.Topic, "handler_poisoned", name,
		"subscriber_poisoned", c.h.r.broker.Name(),
	)
	return hs
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

func stackOf(err error) string {
	if p, ok := errors.AsType[*outcome.PanicError](err); ok {
		return cut(string(p.Stack), maxStack)
	}
	return ""
}

func schemaID(err error) string {
	var s interface{ LeatSchemaID() string }
	if errors.As(err, &s) {
		return s.LeatSchemaID()
	}
	return ""
}

// shrink cuts the stack, then the error text, then the value, until the broker takes it.
func (c *call) shrink(rec *broker.Record) *broker.Record {
	r := *rec
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h broker.Header) bool { return h.Key == "leat-error-stack" })
	if c.fits(&r) {
		return &r
	}
	for i, h := range r.Headers {
		if h.Key == "leat-error" || h.Key == "reason_poisoned" {
			r.Headers[i].Value = []byte(cut(string(h.Value), shortText))
		}
	}
	if c.fits(&r) {
		return &r
	}
	return c.withoutValue(&r)
}

func (c *call) fits(r *broker.Record) bool { return c.h.r.broker.Outputs().Check(r) == nil }

func (c *call) withoutValue(r *broker.Record) *broker.Record {
	size := len(r.Value)
	r.Value = []byte{}
	for i, h := range r.Headers {
		if h.Key == "leat-error-kind" {
			r.Headers[i].Value = []byte(outcome.Oversized)
		}
	}
	r.Headers = append(r.Headers, headers("leat-original-size", strconv.Itoa(size))...)
	return r
}

// invalid and undecodable condemn a message before its handler.
func invalid(err error) error { return &outcome.KindError{Kind: outcome.Invalid, Err: err} }

func undecodable(r *broker.Record, err error) error {
	return &outcome.KindError{
		Kind: outcome.Decode,
		Err:  fmt.Errorf("decode %s/%d at offset %s: %w", r.Topic, r.Partition, r.Offset, err),
	}
}

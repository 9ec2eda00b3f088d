package router

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// sending is one value on its way to a record.
type sending struct {
	value any
	form
	key     string
	headers broker.Headers
	time    time.Time
	schema  string // explicit Avro schema, of Avro
}

// Key sets the key, in place of what the topic's Key returns.
func Key(k string) SendOption { return sendFunc(func(o *sending) { o.key = k }) }

// Header adds a header.
func Header(key, value string) SendOption {
	return sendFunc(func(o *sending) {
		o.headers = append(slices.Clip(o.headers), broker.Header{Key: key, Value: []byte(value)})
	})
}

// Timestamp sets when the message was published. Default: now.
func Timestamp(t time.Time) SendOption { return sendFunc(func(o *sending) { o.time = t }) }

// Avro encodes the value with this schema, whatever the topic's format is.
func Avro(schema string) SendOption { return sendFunc(func(o *sending) { o.schema = schema }) }

// schemaCodec is a codec that encodes with a schema given as text.
type schemaCodec interface {
	EncodeWith(ctx context.Context, dst []byte, topic, schema string, v any) ([]byte, []codec.Header, error)
}

// record makes the record of a value on a topic, in m. from is the message that is being
// handled, nil outside.
func (r *Router) record(ctx context.Context, m *slab, from owner, s *topics.Spec, o *sending) (*broker.Record, error) {
	if err := carries(s, o.value); err != nil {
		return nil, err
	}
	sh := o.shape
	if sh == nil {
		sh = shapeOf(reflect.TypeOf(o.value))
	}
	if err := sh.validate(o.value); err != nil {
		return nil, invalid(fmt.Errorf("%T is invalid: %w", o.value, err))
	}
	if s.Kind == topics.KindState && o.key == "" {
		return nil, fmt.Errorf("topic %s is a state: the key of a %T is empty", s.Name, o.plain())
	}
	data, extra, contentType, err := r.encode(ctx, s, o)
	if err != nil {
		return nil, err
	}
	key, err := r.key(ctx, s, o)
	if err != nil {
		return nil, err
	}
	rec := m.record()
	*rec = broker.Record{Topic: s.Name, Key: key, Value: data, Time: o.time, ID: m.id()}
	rec.Headers = r.headersFor(m, from, rec, contentType, sh.name, len(extra)+len(o.headers))
	for _, h := range extra {
		rec.Headers = append(rec.Headers, broker.Header{Key: h.Key, Value: h.Value})
	}
	rec.Headers = append(rec.Headers, o.headers...)
	return rec, nil
}

// key is nil without one. A text is not copied: nobody writes into the keys of records.
func (r *Router) key(ctx context.Context, s *topics.Spec, o *sending) ([]byte, error) {
	switch {
	case o.key == "":
		return nil, nil
	case s.KeyFormat == "":
		return viewOf(o.key), nil
	default:
		return r.EncodeKey(ctx, *s, o.key)
	}
}

func (r *Router) encode(ctx context.Context, s *topics.Spec, o *sending) (data []byte, extra []codec.Header, contentType string, err error) {
	c, ok := r.codecs[s.Format]
	if o.schema != "" {
		c, ok = r.codecs[topics.Avro]
	}
	if !ok {
		return nil, nil, "", fmt.Errorf("topic %s has format %q, for which there is no codec", s.Name, cmp.Or(s.Format, topics.Avro))
	}
	err = recovered(func() (err error) {
		if sc, ok := c.(schemaCodec); ok && o.schema != "" {
			data, extra, err = sc.EncodeWith(ctx, nil, s.Name, o.schema, o.value)
			return err
		}
		data, extra, err = c.Encode(ctx, nil, subjectOf(s, o.value), o.value)
		if err != nil && o.pointer { // the error tells the type that was sent
			data, extra, err = c.Encode(ctx, nil, subjectOf(s, o.value), o.plain())
		}
		return err
	})
	if data == nil {
		data = []byte{} // nil would be a tombstone
	}
	return data, extra, c.ContentType(), err
}

// headersFor are the headers that leat gives a message, with room for more. Their values share
// the memory of what they come from.
func (r *Router) headersFor(m *slab, from owner, rec *broker.Record, contentType, typ string, more int) broker.Headers {
	correlation, causation, trace := viewOf(rec.ID), "", []byte(nil)
	if from != nil {
		correlation, causation, trace = from.lineage()
	}
	hs := m.roomFor(r.countHeaders(causation, trace) + more)
	hs = addHeader(hs, "content-type", viewOf(contentType))
	hs = addHeader(hs, "leat-type", viewOf(typ))
	hs = addHeader(hs, "correlation_id", correlation)
	hs = addHeader(hs, "causation_id", viewOf(causation))
	hs = addHeader(hs, "traceparent", trace)
	if r.conv.EventSource != "" {
		hs = append(hs, headers("ce_specversion", "1.0", "ce_id", rec.ID, "ce_source", r.conv.EventSource,
			"ce_type", typ, "ce_time", timeText(cmp.Or(rec.Time, time.Now())))...)
	}
	return hs
}

// countHeaders is how many headers leat gives a message at the most.
func (r *Router) countHeaders(causation string, trace []byte) int {
	n := 3
	if causation != "" {
		n++
	}
	if len(trace) > 0 {
		n++
	}
	if r.conv.EventSource != "" {
		n += 5
	}
	return n
}

// passesPointers tells whether a pointer to a T may stand for the T on its way to a topic: what comes out is the
// same, and two copies less are made. JSON takes either, other codecs may not, and Validate may change what it
// is called on.
func passesPointers[T any](r *Router, s *topics.Spec) bool {
	return r.codecs[s.Format] == codec.JSON && len(s.Cases) == 0 && reflect.TypeFor[T]().Kind() == reflect.Struct && !isChecked[T]()
}

// form is how values of a type go to a topic.
type form struct {
	pointer bool   // through a pointer, see passesPointers
	shape   *shape // of what is encoded; nil when that depends on the value
}

func formOf[T any](r *Router, s *topics.Spec) form {
	switch t := reflect.TypeFor[T](); {
	case passesPointers[T](r, s):
		return form{true, shapeOf(reflect.PointerTo(t))}
	case t.Kind() == reflect.Interface:
		return form{}
	default:
		return form{false, shapeOf(t)}
	}
}

// set makes *v what is sent.
func set[T any](o *sending, v *T, f form) {
	if o.form = f; f.pointer {
		o.value = v
	} else {
		o.value = *v
	}
}

// plain is what is sent itself, for errors.
func (o *sending) plain() any {
	if o.pointer {
		return reflect.ValueOf(o.value).Elem().Interface()
	}
	return o.value
}

// subjectOf is the subject of a value on a topic that may carry several types.
func subjectOf(s *topics.Spec, v any) codec.Subject {
	sub := subject(*s)
	if sub.Several {
		sub.Type = reflect.TypeOf(v)
	}
	return sub
}

// lineage is what a message hands on to those that follow from it.
func (c *call) lineage() (correlation []byte, causation string, trace []byte) {
	causation = c.id()
	for _, h := range c.rec.Headers { // the last of a name counts
		switch h.Key {
		case "correlation_id":
			correlation = h.Value
		case "traceparent":
			trace = h.Value
		}
	}
	if len(correlation) == 0 {
		correlation = viewOf(causation)
	}
	return correlation, causation, trace
}

func (c *call) header(name string) string {
	v, _ := c.rec.Headers.Get(name)
	return string(v)
}

package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// message is a record as `tail` prints it.
type message struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Offset    string            `json:"offset"`
	Key       *string           `json:"key"` // null when there is none
	Headers   map[string]string `json:"headers"`
	Time      time.Time         `json:"time"`
	Value     json.RawMessage   `json:"value"`           // null for a tombstone
	Error     string            `json:"error,omitempty"` // why a declared topic's key or value could not be decoded
}

// decoder makes records readable.
type decoder struct {
	declared map[string]topics.Spec
	avro     codec.Codec // nil when there is none
}

func newDecoder(c *client) decoder {
	d := decoder{declared: map[string]topics.Spec{}, avro: c.avro}
	for _, t := range c.router.Topics() {
		d.declared[t.Name] = t
		if checker, ok := d.avro.(codec.Checker); ok && t.Format == topics.Avro {
			for _, one := range t.Each() { // lets single objects of the type be read; a fault shows when one comes
				_ = checker.Check(subjectOf(one))
			}
		}
	}
	return d
}

func (d decoder) message(ctx context.Context, r *broker.Record) message {
	m := message{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time.UTC(),
		Headers: map[string]string{},
	}
	key, keyErr := d.key(ctx, r)
	if r.Key != nil {
		m.Key = &key
	}
	for _, h := range r.Headers {
		m.Headers[h.Key] = text(h.Value)
	}
	value, err := d.value(ctx, r)
	if err != nil {
		value = quote(text(r.Value))
	}
	if err := errors.Join(keyErr, err); err != nil {
		m.Error = err.Error()
	}
	m.Value = value
	return m
}

var null = json.RawMessage("null")

// value decodes by the format of a declared topic, else by what the bytes look like.
func (d decoder) value(ctx context.Context, r *broker.Record) (json.RawMessage, error) {
	if r.Value == nil {
		return null, nil
	}
	switch t, ok := d.declared[r.Topic]; {
	case ok && t.Format == topics.Raw:
		return quote(text(r.Value)), nil
	case ok && t.Format == topics.Avro && d.avro != nil:
		return d.fromAvro(ctx, r)
	case ok && t.Format == topics.JSON:
		return fromJSON(ctx, r.Value)
	}
	return d.guess(ctx, r), nil
}

// fromJSON keeps the value as it was written, with what the topic's type does not know.
func fromJSON(ctx context.Context, data []byte) (json.RawMessage, error) {
	var v any
	if err := codec.JSON.Decode(ctx, data, nil, &v); err != nil {
		return nil, err
	}
	return compacted(data)
}

func compacted(data []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	err := json.Compact(&b, data)
	return b.Bytes(), err
}

func (d decoder) fromAvro(ctx context.Context, r *broker.Record) (json.RawMessage, error) {
	var v any
	if err := d.avro.Decode(ctx, r.Value, r.Headers, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (d decoder) guess(ctx context.Context, r *broker.Record) json.RawMessage {
	if v, err := compacted(r.Value); err == nil && len(v) > 0 {
		return v
	}
	if d.avro != nil && namesSchema(r) {
		if v, err := d.fromAvro(ctx, r); err == nil {
			return v
		}
	}
	return quote(text(r.Value))
}

// guidHeader carries a schema's GUID in Confluent's newer wire format.
const guidHeader = "__value_schema_id"

// namesSchema tells whether the bytes begin with the id of a schema, or a header has it.
func namesSchema(r *broker.Record) bool {
	const prefix = 5 // 0 and the id
	_, guid := r.Headers.Get(guidHeader)
	return guid || len(r.Value) > prefix && r.Value[0] == 0 || bytes.HasPrefix(r.Value, []byte{0xC3, 0x01})
}

// text is the bytes as they are when people can read them, else in base64.
func text(b []byte) string {
	unreadable := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }
	if !utf8.Valid(b) || strings.ContainsFunc(string(b), unreadable) {
		return base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return null
	}
	return b
}

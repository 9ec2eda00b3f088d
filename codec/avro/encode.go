package avro

import (
	"context"
	"fmt"
	"reflect"

	"github.com/leat-go/leat/codec"
)

// Encode appends v with the schema of s.Type, or of v where s.Type is nil or an interface.
// It takes a map[string]any for a struct too. The first value of a topic and type asks the
// registry for the schema's id, later ones ask nobody. The error wraps codec.ErrUnavailable
// when no registry answers; otherwise the value or its schema is at fault. There are no
// headers.
func (c *Codec) Encode(ctx context.Context, dst []byte, s codec.Subject, v any) ([]byte, []codec.Header, error) {
	key := sendingOf(s, v)
	if key.typ != nil {
		if known := c.senders.get(key.place(), &key); known != nil {
			return known.append(dst, s.Topic, v)
		}
	}
	t, err := targetOf(s, v)
	if err != nil {
		return dst, nil, encodeError(v, s.Topic, err)
	}
	e, err := c.sender(ctx, t, v)
	if err != nil {
		return dst, nil, encodeError(v, s.Topic, err)
	}
	return c.senders.put(key.place(), key, e).append(dst, s.Topic, v)
}

// EncodeWith appends v, a map[string]any or a struct, with the schema given as JSON text.
// Fields of a struct are found by avro tag or Go name. The text is compiled once.
func (c *Codec) EncodeWith(ctx context.Context, dst []byte, topic, schema string, v any) ([]byte, []codec.Header, error) {
	e, err := c.sender(ctx, target{topic: topic, text: schema}, v)
	if err != nil {
		return dst, nil, encodeError(v, topic, err)
	}
	return e.append(dst, topic, v)
}

func encodeError(v any, topic string, err error) error {
	return fmt.Errorf("encode %T for %s as Avro: %w", v, topic, err)
}

// sender returns what writes values like v for t.
func (c *Codec) sender(ctx context.Context, t target, v any) (sender, error) {
	typ := pointed(reflect.TypeOf(v))
	if typ == nil {
		return sender{}, errNil
	}
	e, err := c.encoderFor(ctx, t)
	if err != nil {
		return sender{}, err
	}
	out := sender{schema: e.schema.values, frame: e.frame, plan: planFor(typ)}
	if typ.Kind() == reflect.Map {
		out.schema = e.schema.public
	}
	return out, nil
}

func (e *sender) append(dst []byte, topic string, v any) ([]byte, []codec.Header, error) {
	out, err := e.encode(dst, v)
	if err != nil {
		return dst, nil, encodeError(v, topic, err)
	}
	return out, nil, nil
}

func (e *sender) encode(dst []byte, v any) (out []byte, err error) {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if !value.IsValid() {
		return dst, errNil
	}
	if bad := e.plan.check(value); bad != nil {
		return dst, bad
	}
	defer noPanic(&err)
	return e.schema.AppendEncode(append(dst, e.frame...), v)
}

// targetOf says with which schema v goes out for s.
func targetOf(s codec.Subject, v any) (target, error) {
	t := target{topic: s.Topic, typ: pointed(s.Type), namespace: s.Namespace, several: s.Several}
	have := pointed(reflect.TypeOf(v))
	switch {
	case have == nil:
		return t, errNil
	case t.typ == nil || t.typ.Kind() == reflect.Interface:
		t.typ = have
	}
	if isGeneric(t.typ) {
		return t, fmt.Errorf("a %s has no schema of its own: give one with router.Avro(schema)", t.typ)
	}
	if have != t.typ && !isGeneric(have) {
		return t, fmt.Errorf("the topic carries %s", t.typ)
	}
	return t, nil
}

func pointed(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

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
	id := identity(v)
	e := c.senders.at(placeOf(id) + uintptr(len(s.Topic))).Load()
	if !e.fits(&s, id) {
		var err error
		if e, err = c.senderOf(ctx, s, v); err != nil {
			return dst, nil, encodeError(v, s.Topic, err)
		}
	}
	return e.encode(dst, v)
}

// senderOf returns what writes values like v for s.
func (c *Codec) senderOf(ctx context.Context, s codec.Subject, v any) (*sender, error) {
	t, err := targetOf(s, v)
	if err != nil {
		return nil, err
	}
	e, err := c.sender(ctx, t, v)
	if err != nil {
		return nil, err
	}
	e.topic, e.namespace, e.declared, e.several = s.Topic, s.Namespace, typeID(s.Type), s.Several
	e.typ = identity(v)
	c.senders.at(placeOf(e.typ) + uintptr(len(s.Topic))).Store(e)
	return e, nil
}

// EncodeWith appends v, a map[string]any or a struct, with the schema given as JSON text.
// Fields of a struct are found by avro tag or Go name. The text is compiled once.
func (c *Codec) EncodeWith(ctx context.Context, dst []byte, topic, schema string, v any) ([]byte, []codec.Header, error) {
	e, err := c.sender(ctx, target{topic: topic, text: schema}, v)
	if err != nil {
		return dst, nil, encodeError(v, topic, err)
	}
	return e.encode(dst, v)
}

func encodeError(v any, topic string, err error) error {
	return fmt.Errorf("encode %T for %s as Avro: %w", v, topic, err)
}

// sender returns what writes values like v for t.
func (c *Codec) sender(ctx context.Context, t target, v any) (*sender, error) {
	typ := pointed(reflect.TypeOf(v))
	if typ == nil {
		return nil, errNil
	}
	e, err := c.encoderFor(ctx, t)
	if err != nil {
		return nil, err
	}
	out := &sender{topic: t.topic, schema: e.schema.values, frame: e.frame, layout: e.schema.layout()}
	if t := reflect.TypeOf(v); t == typ || t.Elem() == typ {
		out.plain = plainOf(typ)
	}
	if typ.Kind() == reflect.Map {
		out.schema = e.schema.public
	}
	return out, nil
}

// encode appends the message of v.
func (e *sender) encode(dst []byte, v any) (out []byte, _ []codec.Header, err error) {
	defer func() { // as noPanic, which takes more of the time
		if out == nil {
			out, err = dst, encodeError(v, e.topic, causeOf(err, recover()))
		}
	}()
	message, err := e.schema.AppendEncode(append(dst, e.frame...), v)
	if err != nil {
		return nil, nil, err
	}
	if e.plain.ok && e.plain.sound(v) {
		return message, nil, nil
	}
	if text, _ := e.layout.judge(message[len(dst)+len(e.frame):]); !text {
		return nil, nil, notText(v)
	}
	return message, nil, nil
}

// notText names the place of a string that is not UTF-8.
func notText(v any) error {
	if bad := planFor(reflect.TypeOf(v)).check(reflect.ValueOf(v)); bad != nil {
		return bad
	}
	return &textError{}
}

// targetOf says with which schema v goes out for s.
func targetOf(s codec.Subject, v any) (target, error) {
	t := targetFor(s)
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

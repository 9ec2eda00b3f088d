package avro

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/leat-go/leat/codec"
)

const (
	keySchema = `"string"`
	// keyHeader carries the GUID of a key's schema; the key then has no prefix.
	keyHeader = "__key_schema_id"
)

var (
	keyType = reflect.TypeFor[codec.Key]()
	anyType = reflect.TypeFor[any]()
)

// EncodeKey appends a key as an Avro string. With a registry its schema belongs to the subject
// <topic>-key, whatever Config.SubjectBy says: a string has no name to go by. The first key of
// a topic asks the registry, later ones ask nobody. The errors are those of Encode.
func (c *Codec) EncodeKey(ctx context.Context, dst []byte, topic, key string) ([]byte, error) {
	e, err := c.encoderFor(ctx, target{topic: topic, typ: keyType})
	if err == nil && !utf8.ValidString(key) {
		err = errors.New("it is not UTF-8")
	}
	if err != nil {
		return dst, fmt.Errorf("encode key for %s as Avro: %w", topic, err)
	}
	dst = slices.Grow(dst, len(e.frame)+binary.MaxVarintLen32+len(key))
	dst = binary.AppendVarint(append(dst, e.frame...), int64(len(key)))
	return append(dst, key...), nil
}

// DecodeKey returns what a key says, of any schema. A string is its text, and so are numbers,
// symbols and times; bytes are base64; null is "". Records, lists and maps are JSON in one
// line, their names in alphabetical order. It reads the registry's prefix, a GUID in the
// header __key_schema_id and single objects, without a registry those of plain types and of
// types that this service knows.
//
// The error wraps codec.ErrUnavailable when the key may be fine and the registry is not; it
// has a *DecodeError once the schema is named.
func (c *Codec) DecodeKey(ctx context.Context, topic string, data []byte, h codec.Headers) (string, error) {
	text, err := c.decodeKey(ctx, data, h)
	if err != nil {
		return "", fmt.Errorf("key of topic %s: %w", topic, err)
	}
	return text, nil
}

func (c *Codec) decodeKey(ctx context.Context, data []byte, h codec.Headers) (string, error) {
	name, body, err := unframeKey(data, h)
	if err != nil {
		return "", err
	}
	text, err := c.readKey(ctx, name, body)
	if err != nil {
		return "", &DecodeError{SchemaID: name.String(), Err: err}
	}
	return text, nil
}

// errTextKey is what a topic gets that one side takes for Avro and the other for text.
var errTextKey = errors.New("it is not Avro: have its producer write Avro keys, or leave KeyFormat out of the topic if its keys are text")

// unframeKey splits a key into the name of its schema and the body.
func unframeKey(data []byte, h codec.Headers) (schemaKey, []byte, error) {
	if k, ok := headerKey(h, keyHeader); ok {
		return k, data, nil
	}
	switch {
	case len(data) > 0 && data[0] == 0:
		return confluentKey(data)
	case len(data) > 1 && data[0] == 0xC3 && data[1] == 0x01: // never the beginning of a text
		return singleKey(data)
	}
	return schemaKey{}, nil, errTextKey
}

func (c *Codec) readKey(ctx context.Context, name schemaKey, body []byte) (string, error) {
	s, err := c.writerOfKey(ctx, name)
	if err != nil {
		return "", err
	}
	if s.isText() {
		return readText(body)
	}
	v, err := c.readGeneric(s, body)
	if err != nil {
		return "", err
	}
	return textOfKey(v)
}

// writerOfKey is the schema that a key was written with.
func (c *Codec) writerOfKey(ctx context.Context, name schemaKey) (*schema, error) {
	if name.kind == byFingerprint {
		if s := plainSchemas()[name]; s != nil {
			return s, nil
		}
	}
	w, err := c.writers.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return w.schema, nil
}

// plainSchemas are those of types without a name, which every reader knows.
var plainSchemas = sync.OnceValue(func() map[schemaKey]*schema {
	plain := map[schemaKey]*schema{}
	for name := range primitiveBytes {
		if s, err := compile(`"` + name + `"`); err == nil {
			plain[fingerprintKey(s.fingerprint)] = s
		}
	}
	return plain
})

// isText tells that the values are strings and nothing around them.
func (s *schema) isText() bool {
	steps := s.layout().steps
	return s.name == "" && len(steps) == 1 && steps[0].kind == stepText
}

// readText reads a string that is all there is.
func readText(body []byte) (string, error) {
	n, head := binary.Varint(body)
	switch {
	case head <= 0 || n < 0 || n > int64(len(body)-head):
		return "", fmt.Errorf("a string is cut off after %d bytes", len(body))
	case n < int64(len(body)-head):
		return "", fmt.Errorf("%d bytes are left over", int64(len(body)-head)-n)
	case !utf8.Valid(body[head:]):
		return "", &textError{}
	}
	return string(body[head:]), nil
}

// readGeneric reads a body as it was written.
func (c *Codec) readGeneric(s *schema, body []byte) (v any, err error) {
	public, err := c.resolve(s, anyType)
	if err != nil {
		return nil, err
	}
	r := &receiver{schema: public, layout: s.layout()}
	sound, err := r.layout.judge(body)
	if err != nil {
		return nil, err
	}
	if err := r.decode(body, &v); err != nil || sound {
		return v, err
	}
	if bad := planFor(anyType).check(reflect.ValueOf(&v).Elem()); bad != nil {
		return nil, bad
	}
	return v, nil
}

// subjectName is the name under which the registry keeps the schema of a target.
func (c *Codec) subjectName(t target, s *schema) string {
	if t.typ == keyType {
		return t.topic + "-key"
	}
	return c.cfg.SubjectBy.of(t.several).subject(t.topic, s.name)
}

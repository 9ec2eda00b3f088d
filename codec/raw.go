package codec

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
)

// Raw passes []byte values through unchanged.
var Raw Codec = rawCodec{}

type rawCodec struct{}

func (rawCodec) Encode(_ context.Context, dst []byte, s Subject, v any) ([]byte, []Header, error) {
	data, ok := v.([]byte)
	if !ok {
		return dst, nil, fmt.Errorf("encode %T for %s: a raw topic takes []byte", v, s.Topic)
	}
	return append(dst, data...), nil, nil
}

func (rawCodec) Decode(_ context.Context, data []byte, _ Headers, into any) error {
	p, ok := into.(*[]byte)
	if !ok {
		return fmt.Errorf("decode into %T: a raw topic gives []byte", into)
	}
	*p = bytes.Clone(data)
	return nil
}

func (rawCodec) ContentType() string { return "application/octet-stream" }

// Check refuses any type but []byte.
func (rawCodec) Check(s Subject) error {
	if s.Type != nil && s.Type != reflect.TypeFor[[]byte]() {
		return fmt.Errorf("topic %s: a raw topic carries []byte, not %s", s.Topic, s.Type)
	}
	return nil
}

package codec

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
)

// JSON is the default codec: strict about UTF-8 and duplicate names, lenient about unknown
// fields.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Encode(_ context.Context, dst []byte, s Subject, v any) ([]byte, []Header, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return dst, nil, fmt.Errorf("encode %T for %s as JSON: %w", v, s.Topic, err)
	}
	if dst == nil {
		return data, nil, nil
	}
	return append(dst, data...), nil, nil
}

func (jsonCodec) Decode(_ context.Context, data []byte, _ Headers, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode JSON into %T: %w", into, err)
	}
	return nil
}

func (jsonCodec) ContentType() string { return "application/json" }

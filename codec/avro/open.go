package avro

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/codec"
)

// The registry's side of the codec, for codecs that write the bodies themselves.

// Frame returns what goes before the body of v on s, and the schema of the body as JSON text.
// It asks the registry as [Codec.Encode] does, with the same errors. The frame is shared and
// must not be changed.
func (c *Codec) Frame(ctx context.Context, s codec.Subject, v any) (frame []byte, schema string, err error) {
	t, err := targetOf(s, v)
	if err != nil {
		return nil, "", fmt.Errorf("encode %T for %s as Avro: %w", v, s.Topic, err)
	}
	e, err := c.encoderFor(ctx, t)
	if err != nil {
		return nil, "", fmt.Errorf("encode %T for %s as Avro: %w", v, s.Topic, err)
	}
	return e.frame, e.schema.text, nil
}

// Opened is a message whose schema is known.
type Opened struct {
	// SchemaID is as in [DecodeError].
	SchemaID string
	// Schema that the message was written with, as JSON text.
	Schema string
	// Body is a part of the message.
	Body []byte
}

// Open finds the schema of a message, in the registry or among the types that this service
// knows, as [Codec.Decode] does and with the same errors. The body has not been looked at.
func (c *Codec) Open(ctx context.Context, data []byte, h codec.Headers) (Opened, error) {
	key, body, err := unframe(data, h)
	if err != nil {
		return Opened{}, err
	}
	w, err := c.writers.find(ctx, key)
	if err != nil {
		return Opened{}, &DecodeError{SchemaID: key.String(), Err: err}
	}
	return Opened{SchemaID: key.String(), Schema: w.schema.text, Body: body}, nil
}

package avro

import (
	"context"
	"errors"

	"github.com/leat-go/leat/codec"
)

// NameOf returns the full name of the record that values of s are written as.
func (c *Codec) NameOf(s codec.Subject) (string, error) {
	t := pointed(s.Type)
	if t == nil || isGeneric(t) {
		return "", nil
	}
	made, err := c.types.of(t, s.Namespace)
	if err != nil {
		return "", err
	}
	return made.name, nil
}

// NameIn returns the full name of the record that a message was written as, "" for a single
// object of a type that this service does not know. The errors are those of Decode.
func (c *Codec) NameIn(ctx context.Context, data []byte, h codec.Headers) (string, error) {
	key, _, err := unframe(data, h)
	if err != nil {
		return "", err
	}
	w, err := c.writers.find(ctx, key)
	switch {
	case errors.Is(err, errUnknownType):
		return "", nil
	case err != nil:
		return "", &DecodeError{SchemaID: key.String(), Err: err}
	}
	return w.schema.name, nil
}

// SchemaID returns how a message names its schema, as in [DecodeError]; "" when it is framed in
// no way that is known. It asks nobody.
func (c *Codec) SchemaID(data []byte, h codec.Headers) string {
	key, _, err := unframe(data, h)
	if err != nil {
		return ""
	}
	return key.String()
}

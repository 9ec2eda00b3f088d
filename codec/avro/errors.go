package avro

import (
	"fmt"

	"github.com/leat-go/leat/codec"
)

// DecodeError is what Decode returns for a message whose schema is known by name, whatever
// the cause. errors.Is(err, codec.ErrUnavailable) tells a cause outside of the message.
type DecodeError struct {
	// SchemaID is the schema's id in the registry in decimal, its GUID, or the fingerprint
	// of a single-object message in hex.
	SchemaID string
	// Err is the cause.
	Err error
}

// Error names the schema and the cause.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode avro message of schema %s: %s", e.SchemaID, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// LeatSchemaID is the value for the dead letter header leat-schema-id.
func (e *DecodeError) LeatSchemaID() string { return e.SchemaID }

// unavailable marks err as a cause outside of the message.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", codec.ErrUnavailable, err)
}

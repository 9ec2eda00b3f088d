// Package codec turns values into bytes and back. JSON and Raw are here; Avro with a schema
// registry is in codec/avro.
package codec

import (
	"context"
	"errors"
	"reflect"
)

// ErrUnavailable marks an error whose cause lies outside of the message, such as a schema
// registry that does not answer: trying again later may succeed. A consumer waits and
// never gives such a message up. Any other error of Decode condemns the bytes.
var ErrUnavailable = errors.New("codec temporarily unavailable")

// Header is a message header that an encoding adds.
type Header struct {
	Key   string
	Value []byte
}

// Headers gives access to the headers of a message that is decoded. Nil has none.
type Headers interface {
	// Get returns the last header of that name; ok tells an empty one from none.
	Get(name string) (value []byte, ok bool)
}

// Subject says what is encoded: the values of which topic, of which type.
type Subject struct {
	Topic string
	// Type of the values; nil when it is not known before a value is seen.
	Type reflect.Type
	// Namespace asked for by the topic, "" for the codec's default.
	Namespace string
	// Several tells that Type is one of several types that the topic carries.
	Several bool
}

// Codec encodes and decodes values. It is safe for concurrent use.
type Codec interface {
	// Encode appends the bytes of v to dst and returns them with headers to send along.
	Encode(ctx context.Context, dst []byte, s Subject, v any) ([]byte, []Header, error)
	// Decode fills into, a non-nil pointer to a zero value. On an error into may be partly
	// filled and must not be used. It keeps no part of data.
	Decode(ctx context.Context, data []byte, h Headers, into any) error
	// ContentType is the media type of the bytes, for the header content-type.
	ContentType() string
}

// KeyCodec is a Codec that encodes keys as well as values. A service asks it about the keys of
// topics whose KeyFormat is the codec's, about no others.
type KeyCodec interface {
	// EncodeKey appends the bytes of a key, which is not empty, to dst. The same key gives the
	// same bytes: partitions are chosen by them.
	EncodeKey(ctx context.Context, dst []byte, topic, key string) ([]byte, error)
	// DecodeKey returns a key, which is not empty, as text, the same one for the same bytes. The
	// errors are those of Decode.
	DecodeKey(ctx context.Context, topic string, data []byte, h Headers) (string, error)
}

// Key is the type of keys: a Subject of this type is the keys of the topic.
type Key string

// Namer is a Codec whose bytes tell which type they are of. Services ask it for messages of
// topics with several types that say nothing in their headers.
type Namer interface {
	// NameOf returns the name of the values of a subject, "" when they have none.
	NameOf(s Subject) (string, error)
	// NameIn returns the name that a message gives, "" when it gives none. The errors are
	// those of Decode.
	NameIn(ctx context.Context, data []byte, h Headers) (string, error)
}

// Identifier is a Codec whose bytes name the schema that they were written with. Dead letters
// of types that a topic does not carry tell it.
type Identifier interface {
	// SchemaID returns that name, "" when a message gives none. It asks nobody.
	SchemaID(data []byte, h Headers) string
}

// Checker is a Codec that can tell before the first message whether a subject is fit for it.
// Services call Check for every declared topic at start, before any connection.
type Checker interface {
	Check(s Subject) error
}

// Prober is a Codec that depends on something outside, such as a schema registry.
type Prober interface {
	// Ready returns nil, or why messages have to wait now. It asks nobody.
	Ready() error
}

package hamba

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	hamba "github.com/hamba/avro/v2"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// Config is that of codec/avro: the registry, its credentials, namespaces and subjects.
type Config = avro.Config

const (
	maxItems = 100_000 // in one block of an array; hamba counts items, not bytes
	maxBytes = 1 << 20 // of a string or of bytes
)

// Codec encodes and decodes Avro bodies with hamba/avro. It is safe for concurrent use.
type Codec struct {
	registry *avro.Codec // frames messages and knows schemas; it sees no body
	api      hamba.API
	parsed   sync.Map // JSON text to hamba.Schema
	resolved sync.Map // resolution to hamba.Schema
}

type resolution struct {
	writer string
	reader reflect.Type
}

var (
	_ codec.Codec      = (*Codec)(nil)
	_ codec.KeyCodec   = (*Codec)(nil)
	_ codec.Checker    = (*Codec)(nil)
	_ codec.Namer      = (*Codec)(nil)
	_ codec.Identifier = (*Codec)(nil)
	_ codec.Prober     = (*Codec)(nil)
)

// New returns a codec. It reports every fault of cfg and connects to nothing.
func New(cfg Config) (*Codec, error) {
	registry, err := avro.New(cfg)
	if err != nil {
		return nil, err
	}
	api := hamba.Config{MaxSliceAllocSize: maxItems, MaxByteSliceSize: maxBytes}.Freeze()
	return &Codec{registry: registry, api: api}, nil
}

// ContentType is application/vnd.confluent.avro with a registry, else application/avro.
func (c *Codec) ContentType() string { return c.registry.ContentType() }

// EncodeKey is that of codec/avro: hamba has no part in keys.
func (c *Codec) EncodeKey(ctx context.Context, dst []byte, topic, key string) ([]byte, error) {
	return c.registry.EncodeKey(ctx, dst, topic, key)
}

// DecodeKey is that of codec/avro.
func (c *Codec) DecodeKey(ctx context.Context, topic string, data []byte, h codec.Headers) (string, error) {
	return c.registry.DecodeKey(ctx, topic, data, h)
}

// NameOf is that of codec/avro: hamba has no part in names.
func (c *Codec) NameOf(s codec.Subject) (string, error) { return c.registry.NameOf(s) }

// NameIn is that of codec/avro.
func (c *Codec) NameIn(ctx context.Context, data []byte, h codec.Headers) (string, error) {
	return c.registry.NameIn(ctx, data, h)
}

// SchemaID is that of codec/avro.
func (c *Codec) SchemaID(data []byte, h codec.Headers) string { return c.registry.SchemaID(data, h) }

// Check derives the schema of s.Type and has hamba parse it.
func (c *Codec) Check(s codec.Subject) error {
	if err := usable(s.Type); err != nil {
		return fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	if err := c.registry.Check(s); err != nil || !hasSchema(s.Type) {
		return err
	}
	text, err := c.registry.Schema(s)
	if err != nil {
		return err
	}
	_, err = c.parse(text)
	return err
}

// Prepare registers or looks up the schema of s, so that the first message need not.
func (c *Codec) Prepare(ctx context.Context, s codec.Subject) error {
	return c.registry.Prepare(ctx, s)
}

// Ping asks the registry for an answer. Nil without a registry.
func (c *Codec) Ping(ctx context.Context) error { return c.registry.Ping(ctx) }

// Ready returns nil, or why the registry was of no use when it was asked last.
func (c *Codec) Ready() error { return c.registry.Ready() }

// Encode appends v, a struct or a pointer to one, with the schema of s.Type.
func (c *Codec) Encode(ctx context.Context, dst []byte, s codec.Subject, v any) ([]byte, []codec.Header, error) {
	if err := usable(reflect.TypeOf(v)); err != nil {
		return dst, nil, err
	}
	frame, text, err := c.registry.Frame(ctx, s, v)
	if err != nil {
		return dst, nil, err
	}
	body, err := c.marshal(text, v)
	if err != nil {
		return dst, nil, fmt.Errorf("encode %T for %s as Avro: %w", v, s.Topic, err)
	}
	return append(append(dst, frame...), body...), nil, nil
}

func (c *Codec) marshal(text string, v any) ([]byte, error) {
	schema, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	return safely(func() ([]byte, error) { return c.api.Marshal(schema, v) })
}

// Decode fills into, a pointer to a struct or to a map[string]any. On an error into is its
// zero value. See the package's README for what it does not survive.
func (c *Codec) Decode(ctx context.Context, data []byte, h codec.Headers, into any) error {
	to := reflect.ValueOf(into)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("decode avro message into %T: want a pointer that is not nil", into)
	}
	if err := usable(to.Type()); err != nil {
		return err
	}
	to.Elem().SetZero()
	message, err := c.open(ctx, data, h, to.Type())
	if err != nil {
		return err
	}
	if err := c.unmarshal(message, into); err != nil {
		to.Elem().SetZero()
		return &avro.DecodeError{SchemaID: message.SchemaID, Err: err}
	}
	return nil
}

// open makes the target known too, for single objects of types that no Check has seen.
func (c *Codec) open(ctx context.Context, data []byte, h codec.Headers, into reflect.Type) (avro.Opened, error) {
	if hasSchema(into) {
		if err := c.registry.Check(codec.Subject{Type: into}); err != nil {
			return avro.Opened{}, err
		}
	}
	return c.registry.Open(ctx, data, h)
}

func (c *Codec) unmarshal(message avro.Opened, into any) error {
	schema, err := c.resolve(message.Schema, reflect.TypeOf(into))
	if err != nil {
		return err
	}
	_, err = safely(func() (struct{}, error) { return struct{}{}, c.read(schema, message.Body, into) })
	return err
}

// read reads a body to its end. hamba's own Unmarshal takes one that is cut off, or too long,
// for a whole one.
func (c *Codec) read(schema hamba.Schema, body []byte, into any) error {
	r := hamba.NewReader(bytes.NewReader(body), max(len(body), 1), hamba.WithReaderConfig(c.api))
	r.ReadVal(schema, into)
	if r.Error != nil {
		return r.Error
	}
	r.Peek()
	if !errors.Is(r.Error, io.EOF) {
		return errors.New("bytes are left over")
	}
	return nil
}

// resolve returns the schema that reads what the writer wrote into a t.
func (c *Codec) resolve(writer string, t reflect.Type) (hamba.Schema, error) {
	written, err := c.parse(writer)
	if err != nil || !hasSchema(t) {
		return written, err
	}
	key := resolution{writer, t}
	if kept, ok := c.resolved.Load(key); ok {
		return kept.(hamba.Schema), nil
	}
	text, err := c.registry.Schema(codec.Subject{Type: t})
	if err != nil {
		return nil, err
	}
	schema, err := c.newResolution(written, text)
	if err == nil {
		c.resolved.Store(key, schema)
	}
	return schema, err
}

// newResolution compares with a fresh cache: hamba's takes a schema without defaults for the
// same one with them.
func (c *Codec) newResolution(written hamba.Schema, reader string) (hamba.Schema, error) {
	read, err := c.parse(reader)
	if err != nil || written.Fingerprint() == read.Fingerprint() {
		return read, err
	}
	return safely(func() (hamba.Schema, error) { return hamba.NewSchemaCompatibility().Resolve(read, written) })
}

// parse parses text once, apart from all other schemas: hamba's own cache is shared by the
// whole process.
func (c *Codec) parse(text string) (hamba.Schema, error) {
	if kept, ok := c.parsed.Load(text); ok {
		return kept.(hamba.Schema), nil
	}
	schema, err := safely(func() (hamba.Schema, error) { return hamba.ParseWithCache(text, "", &hamba.SchemaCache{}) })
	if err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	c.parsed.Store(text, schema)
	return schema, nil
}

// hasSchema reports a struct, behind any number of pointers.
func hasSchema(t reflect.Type) bool {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t != nil && t.Kind() == reflect.Struct
}

// safely turns a panic into an error. What hamba does to memory is no panic.
func safely[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

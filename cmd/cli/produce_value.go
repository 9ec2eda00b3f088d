package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/topics"
)

// reader turns a line into the value to send.
type reader func(ctx context.Context, line []byte) (any, error)

// readerFor returns the reader for a topic.
func readerFor(declared []topics.Spec, o produceOptions) (reader, error) {
	if o.avro != "" {
		return readGeneric, nil
	}
	i := slices.IndexFunc(declared, func(t topics.Spec) bool { return t.Name == o.topic })
	if i < 0 {
		return readAsIs, nil
	}
	t, err := oneType(declared[i], o.typ)
	switch {
	case err != nil:
		return nil, err
	case t.Format == topics.Raw:
		return func(_ context.Context, line []byte) (any, error) { return line, nil }, nil
	case t.Format == topics.Avro:
		return readAvro(t)
	}
	return func(ctx context.Context, line []byte) (any, error) { return readJSON(ctx, t.Type, line) }, nil
}

// oneType is the topic with the type of that name.
func oneType(t topics.Spec, name string) (topics.Spec, error) {
	var names []string
	for _, one := range t.Each() {
		if len(t.Cases) == 0 && name == "" || name == topics.TypeName(one.Type) {
			return one, nil
		}
		names = append(names, topics.TypeName(one.Type))
	}
	if name == "" {
		return t, usagef("topic %s carries several types: pass --type with one of %s", t.Name, list(names))
	}
	return t, unknown("type", name, names)
}

// readJSON decodes a line into the type that a declared topic carries. A field that the type
// does not have is an error: it is a slip, and would be lost.
func readJSON(ctx context.Context, t reflect.Type, line []byte) (any, error) {
	if bytes.Equal(line, null) {
		return nil, errors.New("null is no value")
	}
	v := reflect.New(t)
	if err := codec.JSON.Decode(ctx, line, nil, v.Interface()); err != nil {
		return nil, err
	}
	if err := strange(t, line); err != nil {
		return nil, err
	}
	return v.Elem().Interface(), nil
}

// readAvro reads lines with the names that the Avro schema of the type has, which are also
// those that `tail` prints, or with those of JSON.
func readAvro(t topics.Spec) (reader, error) {
	c, err := avro.New(avro.Config{})
	if err != nil {
		return nil, err
	}
	s := subjectOf(t)
	return func(ctx context.Context, line []byte) (any, error) {
		v, err := readJSON(ctx, t.Type, line)
		if err == nil {
			return v, nil
		}
		v, avroErr := throughSchema(ctx, c, s, line)
		if avroErr != nil {
			return nil, fmt.Errorf("%w; as Avro: %w", err, avroErr)
		}
		return v, nil
	}, nil
}

// throughSchema encodes the line by the schema of the type and reads it back as the type.
func throughSchema(ctx context.Context, c *avro.Codec, s codec.Subject, line []byte) (any, error) {
	generic, err := readGeneric(ctx, line)
	if err != nil {
		return nil, err
	}
	data, _, err := c.Encode(ctx, nil, s, generic)
	if err != nil {
		return nil, err
	}
	v := reflect.New(s.Type)
	if err := c.Decode(ctx, data, nil, v.Interface()); err != nil {
		return nil, err
	}
	return v.Elem().Interface(), nil
}

// readGeneric decodes a line for an Avro schema. Numbers stay as they were written.
func readGeneric(_ context.Context, line []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode JSON object: %w", err)
	}
	if d.More() {
		return nil, errors.New("more than one value on the line")
	}
	return v, nil
}

// readAsIs sends the line itself. The struct has no name, so that the message gets no type name.
func readAsIs(_ context.Context, line []byte) (any, error) {
	if !json.Valid(line) {
		return nil, errors.New("not a JSON value")
	}
	return struct{ json.RawMessage }{line}, nil
}

// strange reports a field of the line that a struct does not have.
func strange(t reflect.Type, line []byte) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || decodesItself(t) {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return err
	}
	known := fieldNames(t)
	for f := range fields {
		if !slices.Contains(known, f) {
			return fmt.Errorf("%s has no field %q: it has %s", t, f, list(known))
		}
	}
	return nil
}

// decodesItself tells whether a type has a say in how it is decoded.
func decodesItself(t reflect.Type) bool {
	for _, m := range []string{"UnmarshalJSON", "UnmarshalJSONFrom", "UnmarshalText"} {
		if _, ok := reflect.PointerTo(t).MethodByName(m); ok {
			return true
		}
	}
	return false
}

// fieldNames are the names of a struct's fields in JSON, those of embedded structs too.
func fieldNames(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name = strings.Trim(name, "'"); name == "" {
			name = f.Name
		}
		if f.IsExported() && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

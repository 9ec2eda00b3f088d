package avro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/twmb/avro"

	"github.com/leat-go/leat/codec"
)

const maxResolved = 4096

// resolution reads what one writer wrote into values of one Go type, or says why not.
type resolution struct {
	schema *avro.Schema
	err    error
}

type resolutionKey struct {
	writer *schema
	typ    reflect.Type
}

// Decode fills into, a pointer to a struct, to a pointer to one, to a map[string]any or to
// an any. It reads the registry's prefix, a GUID in the header __value_schema_id and single
// objects of types that this service knows. Structs get what their own schema asks for:
// new fields by their defaults, unknown ones left out. Maps get what the writer wrote.
//
// On an error into is its zero value. The error wraps codec.ErrUnavailable when the message
// may be fine and the registry is not; it is a *DecodeError once the schema is named.
func (c *Codec) Decode(ctx context.Context, data []byte, h codec.Headers, into any) error {
	to := reflect.ValueOf(into)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("decode avro message into %T: want a pointer that is not nil", into)
	}
	key, body, err := unframe(data, h)
	if err != nil {
		to.Elem().SetZero()
		return err
	}
	if err := c.decode(ctx, key, body, into, to.Elem()); err != nil {
		to.Elem().SetZero()
		return &DecodeError{SchemaID: key.String(), Err: err}
	}
	return nil
}

func (c *Codec) decode(ctx context.Context, key schemaKey, body []byte, into any, to reflect.Value) error {
	typ := identity(into)
	place := c.receivers.at(placeOf(typ) + uintptr(key.id) + uintptr(key.high))
	r := place.Load()
	if !r.fits(&key, typ) {
		var err error
		if r, err = c.receiver(ctx, key, to.Type()); err != nil {
			return err
		}
		r.key, r.typ = key, typ
		place.Store(r)
	}
	text := false
	if !r.plain.ok || len(body) >= countedFrom {
		var err error
		if text, err = r.layout.judge(body); err != nil {
			return err
		}
	}
	to.SetZero()
	if err := r.decode(body, into); err != nil || (text && r.faithful) || (r.plain.ok && r.plain.sound(into)) {
		return err
	}
	if bad := planFor(to.Type()).check(to); bad != nil {
		return bad
	}
	return nil
}

// receiver returns what reads messages of a schema into values of that type.
func (c *Codec) receiver(ctx context.Context, key schemaKey, t reflect.Type) (*receiver, error) {
	w, err := c.writers.find(ctx, key)
	if errors.Is(err, errUnknownType) && c.learn(t) {
		w, err = c.writers.find(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	s, err := c.resolve(w.schema, t)
	if err != nil {
		return nil, err
	}
	l := w.schema.layout()
	return &receiver{schema: s, plain: plainOf(t), layout: l, faithful: !l.binary || isGeneric(pointed(t))}, nil
}

func (r *receiver) decode(body []byte, into any) (err error) {
	done := false
	defer func() { // as noPanic, which takes more of the time
		if !done {
			err = causeOf(nil, recover())
		}
	}()
	rest, err := r.schema.Decode(body, into)
	done = true
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	return err
}

// resolve returns the schema that reads what w wrote into a t.
func (c *Codec) resolve(w *schema, t reflect.Type) (*avro.Schema, error) {
	key := resolutionKey{w, t}
	if r, ok := c.resolutions.get(key); ok {
		return r.schema, r.err
	}
	s, err := safely(func() (*avro.Schema, error) { return c.newResolution(w, t) })
	r := c.resolutions.put(key, &resolution{s, err})
	return r.schema, r.err
}

func (c *Codec) newResolution(w *schema, t reflect.Type) (*avro.Schema, error) {
	base := pointed(t)
	switch {
	case isGeneric(base):
		return w.public, bounds(w.public)
	case base.Kind() != reflect.Struct:
		return nil, fmt.Errorf("into a %s: want a struct or a map[string]any", t)
	}
	reader, err := c.types.of(base, "")
	if err != nil {
		return nil, err
	}
	if err := sameUnits(w.public, reader.values, false); err != nil {
		return nil, err
	}
	if bytes.Equal(w.public.Canonical(), reader.public.Canonical()) {
		return reader.values, nil
	}
	s, err := avro.Resolve(w.public, reader.values)
	if err != nil {
		return nil, fmt.Errorf("into a %s: %w", base, err)
	}
	return s, nil
}

// bounds refuses what is read as written although its bytes say how large it gets: five of
// them make a big-decimal of 65,536 digits.
func bounds(writer *avro.Schema) error {
	if path := unbounded(writer.Root(), ""); path != "" {
		return fmt.Errorf("%s: a big-decimal has no bound: read it as []byte into a struct", path)
	}
	return nil
}

// unbounded returns the path of the first big-decimal at or below n, "" for none.
func unbounded(n *avro.SchemaNode, path string) string {
	if n == nil {
		return ""
	}
	if n.LogicalType == "big-decimal" {
		return orElse(path, "the value")
	}
	for i := range n.Fields {
		if found := unbounded(fieldType(&n.Fields[i]), path+"."+n.Fields[i].Name); found != "" {
			return found
		}
	}
	for i := range n.Branches {
		if found := unbounded(&n.Branches[i], path); found != "" {
			return found
		}
	}
	return orElse(unbounded(n.Items, path+"[]"), unbounded(n.Values, path+"[]"))
}

// learn makes the schema of a target known, for targets that no Check has seen.
func (c *Codec) learn(t reflect.Type) bool {
	t = pointed(t)
	if t.Kind() != reflect.Struct {
		return false
	}
	_, err := c.types.of(t, "")
	return err == nil
}

// isGeneric reports a target that takes whatever the writer wrote.
func isGeneric(t reflect.Type) bool {
	anything := t.Kind() == reflect.Interface && t.NumMethod() == 0
	return anything || (t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && isGeneric(t.Elem()))
}

var errNil = errors.New("nil has no Avro encoding")

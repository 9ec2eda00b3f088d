package router

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/topics"
)

// cases tells the types of a topic that carries several apart.
type cases struct {
	codec   codec.Codec
	types   map[string]reflect.Type // by the name in headers
	records map[string]reflect.Type // by the name in the bytes
}

// SkipUnknownTypes leaves messages alone whose type is none of the topic's Cases: they are
// done without a handler. Default: they go to the dead letters with kind decode.
func SkipUnknownTypes() Option { return optionFunc(func(c *config) { c.skipUnknown = true }) }

// errUnknownType is a message of a type that is none of the topic's.
var errUnknownType = errors.New("no type of this topic")

// casesOf returns nil for a topic of one type.
func casesOf(s topics.Spec, c codec.Codec) *cases {
	if len(s.Cases) == 0 {
		return nil
	}
	cs := &cases{codec: c, types: map[string]reflect.Type{}, records: map[string]reflect.Type{}}
	for _, one := range s.Each() {
		cs.types[topics.TypeName(one.Type)] = one.Type
		if namer, ok := c.(codec.Namer); ok {
			if name, err := namer.NameOf(subject(one)); err == nil && name != "" {
				cs.records[name] = one.Type
			}
		}
	}
	return cs
}

// decode puts a value of the type that the message has into the interface behind to.
func (cs *cases) decode(c *call, to reflect.Value) error {
	t, err := cs.typeOf(c)
	if err != nil {
		return err
	}
	v := reflect.New(t)
	if err := cs.codec.Decode(c, c.rec.Value, &c.rec.Headers, v.Interface()); err != nil {
		return err
	}
	to.Set(v.Elem())
	return nil
}

// typeOf believes the headers, then the bytes.
func (cs *cases) typeOf(c *call) (reflect.Type, error) {
	said := []string{c.header("leat-type"), c.header("ce_type")}
	for _, name := range said {
		if t := cs.types[name]; t != nil {
			return t, nil
		}
	}
	record, err := cs.recordOf(c, c.rec.Value, &c.rec.Headers)
	if err != nil {
		return nil, err
	}
	if t := cs.records[record]; t != nil {
		return t, nil
	}
	return nil, cs.unknown(c, append(said, record))
}

func (cs *cases) recordOf(ctx context.Context, data []byte, h codec.Headers) (string, error) {
	if namer, ok := cs.codec.(codec.Namer); ok {
		return namer.NameIn(ctx, data, h)
	}
	return "", nil
}

func (cs *cases) unknown(c *call, said []string) error {
	said = slices.Compact(slices.DeleteFunc(said, func(s string) bool { return s == "" }))
	err := &unknownTypeError{said: strings.Join(said, ", ")}
	if i, ok := cs.codec.(codec.Identifier); ok {
		err.schema = i.SchemaID(c.rec.Value, &c.rec.Headers)
	}
	return err
}

// unknownTypeError is an errUnknownType.
type unknownTypeError struct{ said, schema string }

func (e *unknownTypeError) Error() string {
	if e.said == "" {
		return errUnknownType.Error() + ": neither leat-type nor ce_type says which it is"
	}
	return errUnknownType.Error() + ": " + e.said
}

func (e *unknownTypeError) Unwrap() error { return errUnknownType }

// LeatSchemaID is the value for the dead letter header leat-schema-id.
func (e *unknownTypeError) LeatSchemaID() string { return e.schema }

// caseFaults are what is wrong with the types of a topic.
func caseFaults(s topics.Spec) (errs []error) {
	named := map[string]reflect.Type{}
	for _, t := range s.Cases {
		switch name := topics.TypeName(t); {
		case t == nil:
			errs = append(errs, fmt.Errorf("topic %s: one of its Cases is nil: give a value of each type", s.Name))
		case name == "":
			errs = append(errs, fmt.Errorf("topic %s: case %s has no name: declare a type for it", s.Name, t))
		case named[name] != nil:
			errs = append(errs, fmt.Errorf("topic %s: %s and %s are both named %s: give one a method EventType() string", s.Name, named[name], t, name))
		default:
			named[name] = t
		}
	}
	switch abstract := s.Type != nil && s.Type.Kind() == reflect.Interface && s.Type.NumMethod() > 0; {
	case abstract && len(s.Cases) == 0:
		errs = append(errs, fmt.Errorf("topic %s carries the interface %s: name its types in Cases", s.Name, s.Type))
	case len(s.Cases) > 0 && s.Type.Kind() != reflect.Interface:
		errs = append(errs, fmt.Errorf("topic %s has Cases, and %s is no interface: leave them out", s.Name, s.Type))
	}
	return errs
}

// carries refuses a value that is none of the topic's types.
func carries(s *topics.Spec, v any) error {
	if len(s.Cases) == 0 || slices.Contains(s.Cases, reflect.TypeOf(v)) {
		return nil
	}
	names := make([]string, len(s.Cases))
	for i, t := range s.Cases {
		names[i] = t.String()
	}
	return fmt.Errorf("topic %s carries %s, not %T: add it to the topic's Cases", s.Name, strings.Join(names, ", "), v)
}

// Case is a handler of one of the types that a topic carries, for [ByType].
type Case struct {
	typ    reflect.Type
	handle func(context.Context, any) error
}

// On handles values of type C.
func On[C any](fn func(context.Context, C) error) Case {
	return Case{reflect.TypeFor[C](), func(ctx context.Context, v any) error { return fn(ctx, v.(C)) }} //nolint:forcetypeassert // ByType chose it
}

// ByType returns a handler of a topic with several types that calls the function for the type
// of each message. They share the subscription, so a key's messages keep their order across
// types. A type without a function is skipped. It panics when two functions are for one type
// or one is for a type that is no T.
//
//	app.ConsumeFunc(Accounts, router.ByType[AccountEvent](router.On(opened), router.On(closed)), router.Name("accounts"))
func ByType[T any](on ...Case) func(context.Context, T) error {
	by := map[reflect.Type]Case{}
	for _, c := range on {
		if !c.typ.AssignableTo(reflect.TypeFor[T]()) || by[c.typ].handle != nil {
			panic(fmt.Sprintf("router.ByType: %s is not a %s, or has two functions", c.typ, reflect.TypeFor[T]()))
		}
		by[c.typ] = c
	}
	return func(ctx context.Context, v T) error {
		if c := by[reflect.TypeOf(v)]; c.handle != nil {
			return c.handle(ctx, v)
		}
		return Skip
	}
}

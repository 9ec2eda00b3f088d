package router

import (
	"errors"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/topics"
)

// Validator is what a message type may implement instead of, or beside, validate tags.
type Validator interface{ Validate() error }

var (
	structs = validator.New(validator.WithRequiredStructEnabled())
	shapes  sync.Map // reflect.Type → *shape
)

var validatorType = reflect.TypeFor[Validator]()

// shape is what there is to know about the values of a type.
type shape struct {
	name string // see topics.TypeName
	checked
}

// checked is what there is to check about values of a type.
type checked struct {
	tags    bool
	method  bool // Validate belongs to the type
	pointer bool // Validate belongs to pointers to it
}

// validate checks a value of the type by its tags and by its method.
func (c checked) validate(v any) error {
	if c.method || c.pointer {
		if err := validatorOf(v, c).Validate(); err != nil {
			return err
		}
	}
	if c.tags {
		return faults(structs.Struct(v))
	}
	return nil
}

func validatorOf(v any, c checked) Validator {
	if c.pointer {
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		v = p.Interface()
	}
	return v.(Validator) //nolint:forcetypeassert // c says so
}

// isChecked reports whether validate can find anything wrong with a T.
func isChecked[T any]() bool {
	t := reflect.TypeFor[T]()
	return t.Kind() == reflect.Interface || shapeOf(t).checked != checked{}
}

func shapeOf(t reflect.Type) *shape {
	if t == nil {
		return new(shape)
	}
	if known, ok := shapes.Load(t); ok {
		return known.(*shape) //nolint:forcetypeassert // nothing else is stored
	}
	s := &shape{topics.TypeName(t), checked{tags: findTags(t, map[reflect.Type]bool{}), method: t.Implements(validatorType)}}
	s.pointer = !s.method && reflect.PointerTo(t).Implements(validatorType)
	shapes.Store(t, s)
	return s
}

// faults turns the validator's findings into a text that leaves the values out.
func faults(err error) error {
	found, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return err
	}
	var errs []string
	for _, f := range found {
		errs = append(errs, f.Namespace()+" must be "+strings.TrimSuffix(f.Tag()+" "+f.Param(), " "))
	}
	return errors.New(strings.Join(errs, ", "))
}

// findTags reports whether a struct, or a pointer to one, has validate tags anywhere.
func findTags(t reflect.Type, seen map[reflect.Type]bool) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return false
	}
	seen[t] = true
	for f := range t.Fields() {
		if _, ok := f.Tag.Lookup("validate"); ok || f.IsExported() && findTags(f.Type, seen) {
			return true
		}
	}
	return false
}

func newPanic(v any) error { return &outcome.PanicError{Value: v, Stack: debug.Stack()} }

package router

import (
	"errors"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/leat-go/leat/internal/outcome"
)

// Validator is what a message type may implement instead of, or beside, validate tags.
type Validator interface{ Validate() error }

var (
	structs = validator.New(validator.WithRequiredStructEnabled())
	checks  sync.Map // reflect.Type → check
)

var validatorType = reflect.TypeFor[Validator]()

// checked is what there is to check about values of a type.
type checked struct {
	tags    bool
	method  bool // Validate belongs to the type
	pointer bool // Validate belongs to pointers to it
}

// validate checks a value by its tags and by its method.
func validate(v any) error {
	c := checkOf(reflect.TypeOf(v))
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
	return t.Kind() == reflect.Interface || checkOf(t) != checked{}
}

func checkOf(t reflect.Type) checked {
	if t == nil {
		return checked{}
	}
	if known, ok := checks.Load(t); ok {
		return known.(checked) //nolint:forcetypeassert // nothing else is stored
	}
	c := checked{tags: findTags(t, map[reflect.Type]bool{}), method: t.Implements(validatorType)}
	c.pointer = !c.method && reflect.PointerTo(t).Implements(validatorType)
	checks.Store(t, c)
	return c
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

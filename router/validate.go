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
	tagged  sync.Map // reflect.Type → bool
)

// validate checks a value by its tags and by its method.
func validate(v any) error {
	if v, ok := v.(Validator); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	if hasTags(reflect.TypeOf(v)) {
		return faults(structs.Struct(v))
	}
	return nil
}

// isChecked reports whether validate can find anything wrong with a T.
func isChecked[T any]() bool {
	t := reflect.TypeFor[T]()
	return t.Kind() == reflect.Interface || t.Implements(reflect.TypeFor[Validator]()) || hasTags(t)
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

// hasTags reports whether a struct, or a pointer to one, has validate tags anywhere.
func hasTags(t reflect.Type) bool {
	if t == nil {
		return false
	}
	if known, ok := tagged.Load(t); ok {
		return known.(bool) //nolint:forcetypeassert // only bools are stored
	}
	has := findTags(t, map[reflect.Type]bool{})
	tagged.Store(t, has)
	return has
}

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

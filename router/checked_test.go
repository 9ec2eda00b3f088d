package router

import (
	"errors"
	"reflect"
	"testing"
)

type (
	plainValue struct{ A string }
	taggedPart struct {
		A string `validate:"required"`
	}
	taggedWhole  struct{ Part *taggedPart }
	byValue      struct{}
	byPointer    struct{}
	anyInterface interface{ M() }
)

func (byValue) Validate() error    { return errWrong }
func (*byPointer) Validate() error { return errWrong }

var errWrong = errors.New("wrong")

func TestWhoseMethodIsAsked(t *testing.T) {
	t.Parallel()
	for _, v := range []any{byValue{}, &byValue{}, byPointer{}, &byPointer{}} {
		if err := validated(v); !errors.Is(err, errWrong) {
			t.Errorf("%T: %v", v, err)
		}
	}
	for _, v := range []any{nil, 1, plainValue{}, &plainValue{}} {
		if err := validated(v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func validated(v any) error { return shapeOf(reflect.TypeOf(v)).validate(v) }

func TestWhichTypesAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want bool }{
		"a struct without tags":             {isChecked[plainValue](), false},
		"bytes":                             {isChecked[[]byte](), false},
		"a pointer to one without":          {isChecked[*plainValue](), false},
		"tags":                              {isChecked[taggedPart](), true},
		"tags in a field":                   {isChecked[taggedWhole](), true},
		"a pointer to tags":                 {isChecked[*taggedPart](), true},
		"a method of the value":             {isChecked[byValue](), true},
		"a method of the pointer":           {isChecked[*byPointer](), true},
		"a method that the value lacks":     {isChecked[byPointer](), true},
		"an interface, whatever is in it":   {isChecked[anyInterface](), true},
		"an interface that has no methods":  {isChecked[any](), true},
		"a pointer to a value with methods": {isChecked[*byValue](), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: checked is %v", name, c.got)
		}
	}
}

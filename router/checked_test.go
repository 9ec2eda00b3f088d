package router

import "testing"

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

func (byValue) Validate() error    { return nil }
func (*byPointer) Validate() error { return nil }

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
		"a method that the value lacks":     {isChecked[byPointer](), false},
		"an interface, whatever is in it":   {isChecked[anyInterface](), true},
		"an interface that has no methods":  {isChecked[any](), true},
		"a pointer to a value with methods": {isChecked[*byValue](), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: checked is %v", name, c.got)
		}
	}
}

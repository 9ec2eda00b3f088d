package avro

import (
	"fmt"
	"reflect"
	"sync"
	"unicode/utf8"
)

// The Avro library passes strings that are not UTF-8 through in both directions; peers in
// other languages choke on them. A textPlan says where the values of a type hold strings.
type textPlan struct {
	none   bool    // no strings in values of this type
	fields [][]int // of a struct: the fields that may hold strings
	plans  []*textPlan
	elem   *textPlan // of a pointer, a list or a map
}

var (
	textPlans sync.Map // reflect.Type to *textPlan
	noText    = &textPlan{none: true}
)

// textError is the place of a string that is not UTF-8.
type textError struct{ path string }

func (e *textError) Error() string {
	return orElse(e.path, "the value") + " is not UTF-8 (bytes belong into a []byte)"
}

// planFor returns the plan of t, made once.
func planFor(t reflect.Type) *textPlan {
	if p, ok := textPlans.Load(t); ok {
		return p.(*textPlan)
	}
	p, _ := textPlans.LoadOrStore(t, newPlan(t, map[reflect.Type]*textPlan{}))
	return p.(*textPlan)
}

// newPlan makes the plan of t; open holds those that are being made around it.
func newPlan(t reflect.Type, open map[reflect.Type]*textPlan) *textPlan {
	if p, ok := open[t]; ok {
		return p
	}
	if !holdsText(t, map[reflect.Type]bool{}) {
		return noText
	}
	p := &textPlan{}
	open[t] = p
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		p.elem = newPlan(t.Elem(), open)
	case reflect.Struct:
		p.addFields(t, open)
	default: // a string or an interface
	}
	return p
}

func (p *textPlan) addFields(t reflect.Type, open map[reflect.Type]*textPlan) {
	fields, _ := fieldsOf(t, "")
	for _, f := range fields {
		if plan := newPlan(f.Type, open); !plan.none {
			p.fields = append(p.fields, f.index)
			p.plans = append(p.plans, plan)
		}
	}
}

// holdsText reports whether values of t may hold strings that go out as they are.
func holdsText(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || known(t) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.String, reflect.Interface, reflect.Map:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return holdsText(t.Elem(), seen)
	case reflect.Struct:
		fields, _ := fieldsOf(t, "")
		for _, f := range fields {
			if holdsText(f.Type, seen) {
				return true
			}
		}
	default: // a number or the like
	}
	return false
}

func (p *textPlan) check(v reflect.Value) *textError {
	if p.none {
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return &textError{}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return p.elem.check(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			return planFor(v.Elem().Type()).check(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		return p.list(v)
	case reflect.Map:
		return p.mapping(v)
	case reflect.Struct:
		return p.structure(v)
	default: // has no plan
	}
	return nil
}

func (p *textPlan) list(v reflect.Value) *textError {
	for i := range v.Len() {
		if err := p.elem.check(v.Index(i)); err != nil {
			return err.under(fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

func (p *textPlan) mapping(v reflect.Value) *textError {
	if v.CanInterface() {
		if texts, ok := reflect.TypeAssert[map[string]string](v); ok && validTexts(texts) {
			return nil
		}
	}
	for entries := v.MapRange(); entries.Next(); {
		key := entries.Key()
		if key.Kind() == reflect.String && !utf8.ValidString(key.String()) {
			return &textError{path: fmt.Sprintf(".%q", key.String())}
		}
		if err := p.elem.check(entries.Value()); err != nil {
			return err.under("." + key.String())
		}
	}
	return nil
}

func validTexts(texts map[string]string) bool {
	for key, value := range texts {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return false
		}
	}
	return true
}

func (p *textPlan) structure(v reflect.Value) *textError {
	for i, index := range p.fields {
		f := v.Field(index[0])
		if len(index) > 1 {
			var err error
			if f, err = v.FieldByIndexErr(index); err != nil {
				continue // below an embedded pointer that is nil
			}
		}
		if f.Kind() == reflect.String && utf8.ValidString(f.String()) {
			continue
		}
		if bad := p.plans[i].check(f); bad != nil {
			return bad.under("." + v.Type().FieldByIndex(index).Name)
		}
	}
	return nil
}

func (e *textError) under(path string) *textError {
	e.path = path + e.path
	return e
}

package avro

import (
	"fmt"
	"reflect"
	"slices"
)

// field is one field of a struct, its own or one promoted from an embedded struct.
type field struct {
	tag
	reflect.StructField
	index []int
}

// fieldsOf returns the fields that a record of t has, in the order of the program text.
func fieldsOf(t reflect.Type, path string) ([]field, error) {
	all, err := collect(t, nil, nil, path)
	if err != nil {
		return nil, err
	}
	return dominant(all, path)
}

func collect(t reflect.Type, index []int, above []reflect.Type, path string) ([]field, error) {
	if slices.Contains(above, t) {
		return nil, nil
	}
	above = append(slices.Clone(above), t)
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		f, err := readField(sf, append(slices.Clone(index), i))
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", path, sf.Name, err)
		}
		found, err := f.expand(above, path+"."+sf.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func readField(sf reflect.StructField, index []int) (field, error) {
	t, err := parseTag(sf)
	return field{tag: t, StructField: sf, index: index}, err
}

// expand returns the field itself, nothing, or the fields of an embedded struct.
func (f field) expand(above []reflect.Type, path string) ([]field, error) {
	embedded := f.Anonymous && structOf(f.Type) != nil
	switch {
	case f.skip:
		return nil, nil
	case f.inline && structOf(f.Type) == nil:
		return nil, fmt.Errorf("%s: inline wants a struct, not %s", path, f.Type)
	case f.inline, embedded && f.name == "":
		return f.flatten(above, path)
	case !f.IsExported() && !embedded:
		return nil, nil
	}
	return []field{f}, nil
}

func (f field) flatten(above []reflect.Type, path string) ([]field, error) {
	if f.jsonName != "" && !f.inline {
		return nil, fmt.Errorf("%s: JSON nests this struct as %q but Avro would flatten it: add the tag avro:%q or avro:\",inline\"",
			path, f.jsonName, f.jsonName)
	}
	return collect(structOf(f.Type), f.index, above, path)
}

// structOf returns the struct type behind t or a pointer to it, nil when there is none.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// dominant keeps one field per name as the Avro library does: tagged before untagged, then
// shallow before deep. A tie is an error.
func dominant(all []field, path string) ([]field, error) {
	best := map[string]int{}
	tied := map[string]bool{}
	for i, f := range all {
		name := f.internal(f.StructField)
		j, ok := best[name]
		switch {
		case !ok || f.beats(all[j]):
			best[name], tied[name] = i, false
		case !all[j].beats(f):
			tied[name] = true
		}
	}
	for name, is := range tied {
		if is {
			return nil, fmt.Errorf("%s: two fields are called %q: give one of them another name by its avro tag", path, name)
		}
	}
	return keep(all, best), nil
}

func (f field) beats(other field) bool {
	if (f.name != "") != (other.name != "") {
		return f.name != ""
	}
	return len(f.index) < len(other.index)
}

func keep(all []field, best map[string]int) []field {
	var out []field
	for i, f := range all {
		if best[f.internal(f.StructField)] == i {
			out = append(out, f)
		}
	}
	return out
}

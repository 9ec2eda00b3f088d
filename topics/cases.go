package topics

import (
	"reflect"
	"strings"
	"sync"
)

// TypeName is what messages of a type say in their headers leat-type and ce_type: what its
// method EventType() string returns for a zero value, else the name of the Go type, "" for a
// type without one. Pointers count as what they point to.
func TypeName(t reflect.Type) string {
	if name, ok := names.Load(t); ok {
		return name.(string) //nolint:forcetypeassert // stored below
	}
	name := nameOf(t)
	names.Store(t, name)
	return name
}

var names sync.Map // reflect.Type → string

func nameOf(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return ""
	}
	if t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(reflect.TypeFor[eventTyper]()) {
		return reflect.New(t).Interface().(eventTyper).EventType() //nolint:forcetypeassert // it implements it
	}
	return t.Name()
}

// eventTyper is a type with a name of its own on the wire.
type eventTyper interface{ EventType() string }

// Each returns the topic once for each of its types: for each of its Cases with that as Type,
// the topic itself when it has none.
func (s Spec) Each() []Spec {
	if len(s.Cases) == 0 {
		return []Spec{s}
	}
	each := make([]Spec, len(s.Cases))
	for i, t := range s.Cases {
		each[i] = s
		each[i].Type = t
	}
	return each
}

// SchemaFile is the name of a golden schema file: <topic>.avsc, for one of several types
// <topic>-<name of the type>.avsc.
func (s Spec) SchemaFile() string {
	if len(s.Cases) == 0 {
		return s.Name + ".avsc"
	}
	return s.Name + "-" + TypeName(s.Type) + ".avsc"
}

// TypeText is Type as a person reads it, with the names of its cases.
func (s Spec) TypeText() string {
	if s.Type == nil {
		return ""
	}
	if len(s.Cases) == 0 {
		return s.Type.String()
	}
	names := make([]string, len(s.Cases))
	for i, t := range s.Cases {
		names[i] = TypeName(t)
	}
	return s.Type.String() + " (" + strings.Join(names, ", ") + ")"
}

// typesOf are the types of cases; one that is nil has none.
func typesOf[T any](cases []T) (types []reflect.Type) {
	for _, c := range cases {
		types = append(types, reflect.TypeOf(c))
	}
	return types
}

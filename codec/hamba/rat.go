package hamba

import (
	"fmt"
	"math/big"
	"reflect"
	"sync"
)

var (
	ratType = reflect.TypeFor[big.Rat]()
	usables sync.Map // reflect.Type to an error, or nil
)

// usable refuses types that hold a big.Rat as a value: hamba decodes a pointer into it.
func usable(t reflect.Type) error {
	if t == nil {
		return nil
	}
	kept, ok := usables.Load(t)
	if !ok {
		var err error
		if path := valueRat(t, t.String(), map[reflect.Type]bool{}); path != "" {
			err = fmt.Errorf("%s: hamba cannot read a big.Rat: use *big.Rat, or codec/avro", path)
		}
		kept, _ = usables.LoadOrStore(t, found{err})
	}
	return kept.(found).err
}

type found struct{ err error }

// valueRat returns the path of the first big.Rat that is no pointer, "" for none.
func valueRat(t reflect.Type, path string, seen map[reflect.Type]bool) string {
	if t == ratType {
		return path
	}
	if seen[t] {
		return ""
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem() == ratType {
			return ""
		}
		return valueRat(t.Elem(), path, seen)
	case reflect.Slice, reflect.Array, reflect.Map:
		return valueRat(t.Elem(), path+"[]", seen)
	case reflect.Struct:
		return fieldRat(t, path, seen)
	default:
	}
	return ""
}

func fieldRat(t reflect.Type, path string, seen map[reflect.Type]bool) string {
	for f := range t.Fields() {
		if !f.IsExported() && !f.Anonymous || f.Tag.Get("avro") == "-" {
			continue
		}
		if found := valueRat(f.Type, path+"."+f.Name, seen); found != "" {
			return found
		}
	}
	return ""
}

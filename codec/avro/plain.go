package avro

import (
	"reflect"
	"slices"
	"time"
	"unsafe"
)

// plain says where the texts of a struct lie that holds nothing but texts, numbers and
// times. To look at them costs less than to find them in the bytes.
type plain struct {
	ok    bool
	texts []uintptr // offsets
}

var plainTypes = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[float32](), reflect.TypeFor[float64](),
	reflect.TypeFor[int](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
}

// plainOf returns what is known of a t.
func plainOf(t reflect.Type) plain {
	if t.Kind() != reflect.Struct {
		return plain{}
	}
	p := plain{}
	for f := range t.Fields() {
		switch {
		case f.Type == reflect.TypeFor[string]():
			p.texts = append(p.texts, f.Offset)
		case !slices.Contains(plainTypes, f.Type):
			return plain{}
		}
	}
	p.ok = len(p.texts) > 0 // so the struct is no pointer, which would lie in the interface itself
	return p
}

// sound reports whether every text of v is known to be UTF-8: a value of the type that plainOf
// was asked for, or a pointer to one.
func (p *plain) sound(v any) bool {
	base := (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] //nolint:gosec // the second word of an interface is the address of the struct
	if base == nil {
		return false
	}
	for _, offset := range p.texts {
		if !isText(textAt(base, offset)) {
			return false
		}
	}
	return true
}

// textAt returns the bytes of a string in a struct, only to be read.
func textAt(base unsafe.Pointer, offset uintptr) []byte {
	text := *(*string)(unsafe.Add(base, offset))            // plainOf saw a string there
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // it has as many
}

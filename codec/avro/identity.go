package avro

import (
	"reflect"
	"unsafe"
)

// Types are told apart by the address of their descriptor, which is never followed. To ask
// reflect for it takes a tenth of the time of a small message.

// identity is the first word of v: the type of what it holds, 0 for nil.
func identity(v any) uintptr {
	return *(*uintptr)(unsafe.Pointer(&v)) //nolint:gosec // compared, not followed
}

// typeID is the second word of t, 0 for nil: identity(v) is typeID(reflect.TypeOf(v)).
func typeID(t reflect.Type) uintptr {
	return (*[2]uintptr)(unsafe.Pointer(&t))[1] //nolint:gosec // compared, not followed
}

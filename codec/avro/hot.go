package avro

import (
	"sync/atomic"
	"unsafe"

	"github.com/twmb/avro"

	"github.com/leat-go/leat/codec"
)

// hot keeps what was used last in places found without a hash over the whole key. Two keys
// in one place drive each other out, which costs a look into the caches behind it. Only what
// stays true for ever may be kept here.
type hot[E any] struct {
	places [64]atomic.Pointer[E]
}

func (h *hot[E]) at(place uintptr) *atomic.Pointer[E] {
	return &h.places[place%uintptr(len(h.places))]
}

// placeOf spreads types, whose descriptors are 32 bytes apart at least.
func placeOf(id uintptr) uintptr { return id>>5 ^ id>>11 }

// sender writes values of one Go type to one topic.
type sender struct {
	topic, namespace string
	typ, declared    uintptr
	several          bool

	schema *avro.Schema
	plain  plain
	frame  []byte
	layout *layout
}

// fits reports whether e writes values of that type for s.
func (e *sender) fits(s *codec.Subject, typ uintptr) bool {
	return e != nil && e.typ == typ && e.declared == typeID(s.Type) && e.several == s.Several &&
		same(e.topic, s.Topic) && same(e.namespace, s.Namespace)
}

// same is a == b, which calls a function also where both are one string.
func same(a, b string) bool {
	return len(a) == len(b) && (unsafe.StringData(a) == unsafe.StringData(b) || a == b) //nolint:gosec // compared, not followed
}

// receiver reads messages of one schema into values of one Go type.
type receiver struct {
	key schemaKey
	typ uintptr

	schema   *avro.Schema
	plain    plain
	layout   *layout
	faithful bool // text in the values was text in the bytes
}

func (r *receiver) fits(key *schemaKey, typ uintptr) bool {
	return r != nil && r.typ == typ && r.key == *key
}

package avro

import (
	"reflect"
	"sync/atomic"

	"github.com/twmb/avro"

	"github.com/leat-go/leat/codec"
)

// hot keeps what was used last in places found without a hash over the whole key. Two keys
// in one place drive each other out, which costs a look into the caches behind it. Only what
// stays true for ever may be kept here.
type hot[K comparable, V any] struct {
	places [64]atomic.Pointer[hotEntry[K, V]]
}

type hotEntry[K comparable, V any] struct {
	key   K
	value V
}

func (h *hot[K, V]) get(place uintptr, key *K) *V {
	if e := h.places[place%uintptr(len(h.places))].Load(); e != nil && e.key == *key {
		return &e.value
	}
	return nil
}

func (h *hot[K, V]) put(place uintptr, key K, value V) *V {
	e := &hotEntry[K, V]{key, value}
	h.places[place%uintptr(len(h.places))].Store(e)
	return &e.value
}

// placeOf spreads types; their descriptors are 32 bytes apart at least.
func placeOf(t reflect.Type) uintptr {
	p := reflect.ValueOf(t).Pointer()
	return p>>5 ^ p>>11
}

// sending is a kind of value that goes to a topic.
type sending struct {
	topic, namespace string
	declared, typ    reflect.Type
	several          bool
}

// sender writes such values.
type sender struct {
	schema *avro.Schema
	frame  []byte
	plan   *textPlan
}

func (s sending) place() uintptr { return placeOf(s.typ) + uintptr(len(s.topic)) }

func sendingOf(s codec.Subject, v any) sending {
	return sending{s.Topic, s.Namespace, s.Type, reflect.TypeOf(v), s.Several}
}

// receiving is a kind of value that is read from messages of one schema.
type receiving struct {
	schema schemaKey
	typ    reflect.Type
}

// receiver reads such values.
type receiver struct {
	schema *avro.Schema
	shape  func() *shape
	plan   *textPlan
}

func (r receiving) place() uintptr {
	return placeOf(r.typ) + uintptr(r.schema.id) + uintptr(r.schema.guid[0])
}

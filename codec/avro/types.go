package avro

import (
	"fmt"
	"reflect"
	"sync"
)

// types keeps the schemas of Go types, each made once, and knows them by fingerprint.
type types struct {
	namespace string // default
	given     map[reflect.Type]string
	writers   *writers
	single    bool     // single objects are what is written
	made      sync.Map // typeKey to *madeSchema
}

type typeKey struct {
	typ       reflect.Type
	namespace string
}

type madeSchema struct {
	once   sync.Once
	schema *schema
	err    error
}

// of returns the schema of t in namespace, "" for the default.
func (ts *types) of(t reflect.Type, namespace string) (*schema, error) {
	key := typeKey{t, namespace}
	kept, ok := ts.made.Load(key)
	if !ok {
		kept, _ = ts.made.LoadOrStore(key, &madeSchema{})
	}
	m := kept.(*madeSchema)
	m.once.Do(func() { m.schema, m.err = ts.make(t, namespace) })
	return m.schema, m.err
}

func (ts *types) make(t reflect.Type, namespace string) (*schema, error) {
	s, err := ts.schema(t, orElse(namespace, ts.namespace))
	if err != nil {
		return nil, err
	}
	return s, ts.learn(s, t)
}

// schema is the one given for t, else the one derived from it.
func (ts *types) schema(t reflect.Type, namespace string) (*schema, error) {
	if t == keyType {
		return compile(keySchema)
	}
	if text, ok := ts.given[t]; ok {
		return schemaGiven(t, text)
	}
	return schemaFor(t, namespace)
}

// learn lets single objects of s be read. The fingerprint leaves out logical types, so two
// types that differ in nothing else cannot be told apart.
func (ts *types) learn(s *schema, t reflect.Type) error {
	kept := ts.writers.known(s)
	if err := sameUnits(kept.public, s.public, true); err != nil && ts.single {
		return fmt.Errorf("%s: another type has the same single-object fingerprint %s but other units: %w",
			t, hexFingerprint(s.fingerprint), err)
	}
	return nil
}

package avro

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"sync"

	"github.com/twmb/avro"
)

// schema is a schema fit for use, never changed once made.
type schema struct {
	text        string
	name        string // full name of the record, "" for other types
	public      *avro.Schema
	values      *avro.Schema // as public, with the names of the Go fields
	fingerprint [8]byte      // CRC-64-AVRO of the canonical form, little endian
	layout      func() *layout
}

// compile guards and parses texts, of which each may refer to types of those before it, and
// returns the last.
func compile(texts ...string) (*schema, error) {
	g := newGuard()
	var named avro.SchemaCache
	var parsed *avro.Schema
	for _, text := range texts {
		if err := g.check(text); err != nil {
			return nil, err
		}
		s, err := named.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("parse schema: %w", err)
		}
		parsed = s
	}
	return newSchema(texts[len(texts)-1], parsed, parsed), nil
}

func newSchema(text string, public, values *avro.Schema) *schema {
	s := &schema{text: text, public: public, values: values}
	s.layout = sync.OnceValue(func() *layout { return layoutOf(public) })
	root := public.Root()
	if root.Type == "record" || root.Type == "error" {
		s.name = fullName(root.Namespace, root.Name)
	}
	h := avro.NewRabin()
	_, _ = h.Write(public.Canonical())
	binary.LittleEndian.PutUint64(s.fingerprint[:], h.Sum64())
	return s
}

// schemaFor derives and compiles the schema of t.
func schemaFor(t reflect.Type, namespace string) (*schema, error) {
	text, renamed, err := derive(t, namespace, false)
	if err != nil {
		return nil, err
	}
	s, err := compile(text)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	if !renamed {
		return s, nil
	}
	return s, s.useGoNames(t, namespace)
}

// useGoNames lets values be found by their Go names where a json tag gives another.
func (s *schema) useGoNames(t reflect.Type, namespace string) error {
	text, _, err := derive(t, namespace, true)
	if err != nil {
		return err
	}
	values, err := avro.Parse(text)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", t, err)
	}
	s.values = values
	return nil
}

func hexFingerprint(f [8]byte) string { return hex.EncodeToString(f[:]) }

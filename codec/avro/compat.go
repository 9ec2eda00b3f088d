package avro

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/twmb/avro"
)

// Difference is what changed from one schema to a newer one.
type Difference struct {
	// Changes by field, in the order of the older schema; none when both schemas say the same.
	Changes []Change
}

// Change is what changed at one place, and who cannot read whose data because of it.
type Change struct {
	// Path of the field by its older name, such as address.zip or lines[].price; "[]" are the
	// items of an array and the values of a map. Empty for the schema itself.
	Path string
	// What changed, such as "int became long".
	What string
	// Backward says why a reader with the newer schema cannot read older data, "" when it can.
	Backward string
	// Forward says why a reader with the older schema cannot read newer data, "" when it can.
	Forward string
}

// Compare returns what changed from the schema older to the schema newer, both JSON text, and
// what the change does to readers. It is at least as strict as Avro for Java, on which schema
// registries decide, and stricter in three points: a logical type, such as the unit of a
// time, has to stay as it is; a field that was not written needs a default that is spelled
// out, also when it may be null; a type that moved to another namespace needs an alias.
// An error says which of the two is no schema, or one too large to use.
func Compare(older, newer string) (*Difference, error) {
	return safely(func() (*Difference, error) {
		a, err := newSide(older)
		if err != nil {
			return nil, fmt.Errorf("older schema: %w", err)
		}
		b, err := newSide(newer)
		if err != nil {
			return nil, fmt.Errorf("newer schema: %w", err)
		}
		return compare(a, b), nil
	})
}

func compare(older, newer *side) *Difference {
	found := newFindings()
	(&changes{older: older, newer: newer, found: found, seen: map[pair]bool{}}).compare(older.top(), newer.top(), "")
	backward, forward := unreadable(older, newer, true), unreadable(newer, older, false)
	for _, path := range slices.Sorted(maps.Keys(backward)) {
		found.at(path).backward = backward[path]
	}
	for _, path := range slices.Sorted(maps.Keys(forward)) {
		found.at(path).forward = forward[path]
	}
	if len(found.order) == 0 && !sameJSON(older.text, newer.text) {
		found.note("", "only docs, order, aliases or properties that readers do not need")
	}
	return found.difference()
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// Backward reports whether readers with the newer schema read older data.
func (d *Difference) Backward() bool {
	return d.none(func(c Change) string { return c.Backward })
}

// Forward reports whether readers with the older schema read newer data.
func (d *Difference) Forward() bool {
	return d.none(func(c Change) string { return c.Forward })
}

func (d *Difference) none(fault func(Change) string) bool {
	for _, c := range d.Changes {
		if fault(c) != "" {
			return false
		}
	}
	return true
}

// Rollout is the order in which the change can be rolled out.
func (d *Difference) Rollout() Rollout {
	switch back, forth := d.Backward(), d.Forward(); {
	case back && forth:
		return EitherOrder
	case back:
		return ConsumersFirst
	case forth:
		return ProducersFirst
	}
	return NotInPlace
}

// String lists every change with whom it breaks, a line each, and then the order of roll-out.
// It is empty when nothing changed.
func (d *Difference) String() string {
	if len(d.Changes) == 0 {
		return ""
	}
	var b strings.Builder
	for _, c := range d.Changes {
		b.WriteString(c.String() + "\n")
	}
	fmt.Fprintf(&b, "roll-out: %s: %s", d.Rollout(), d.Rollout().Advice())
	return b.String()
}

// String is the place, what changed there and whom it breaks.
func (c Change) String() string {
	text := orElse(c.Path, "the schema") + ": " + c.What
	if c.Backward != "" {
		text += "\n  new readers cannot read old data: " + c.Backward
	}
	if c.Forward != "" {
		text += "\n  old readers cannot read new data: " + c.Forward
	}
	return text
}

// side is one of two schemas that are compared.
type side struct {
	*schema

	root  *avro.SchemaNode
	types map[string]*avro.SchemaNode
}

// newSide compiles a schema, the last of texts, with those that it refers to.
func newSide(texts ...string) (*side, error) {
	s, err := compile(texts...)
	if err != nil {
		return nil, err
	}
	out := &side{schema: s, types: map[string]*avro.SchemaNode{}}
	var named avro.SchemaCache
	for _, text := range texts {
		parsed, err := named.Parse(text)
		if err != nil {
			return nil, err
		}
		out.root = parsed.Root()
		index(out.root, out.types)
	}
	return out, nil
}

// spot is a node of a schema with the namespace around it.
type spot struct {
	*avro.SchemaNode

	ns string
}

func (s *side) top() spot { return spot{s.root, s.root.Namespace} }

// at follows a reference.
func (s *side) at(n *avro.SchemaNode, ns string) spot {
	n, ns = lookUp(n, ns, s.types)
	return spot{n, ns}
}

func (s spot) kind() string {
	if s.Type == "error" {
		return "record"
	}
	return s.Type
}

// full is the full name of a named type, "" for others.
func (s spot) full() string {
	if s.Name == "" {
		return ""
	}
	return fullName(s.Namespace, s.Name)
}

// answersTo reports whether a type is called so, or has been.
func (s spot) answersTo(full string) bool {
	if s.full() == full {
		return true
	}
	for _, a := range s.Aliases {
		if !strings.Contains(a, ".") {
			a = fullName(s.Namespace, a)
		}
		if a == full {
			return true
		}
	}
	return false
}

// branches are those of a union; any other type is the only one.
func (s *side) branches(of spot) []spot {
	if of.Type != "union" {
		return []spot{of}
	}
	out := make([]spot, len(of.Branches))
	for i := range of.Branches {
		out[i] = s.at(&of.Branches[i], of.ns)
	}
	return out
}

type pair [2]*avro.SchemaNode

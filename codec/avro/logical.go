package avro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// Avro ignores logical types when it resolves a writer's schema to a reader's: microseconds
// would silently be read as milliseconds. units compares them.
type units struct {
	writer, reader map[string]*avro.SchemaNode // named types by full name
	seen           map[[2]*avro.SchemaNode]bool
	exact          bool // a reader without a logical type is no match either
}

// sameUnits returns an error naming the first place where the reader takes the writer's
// values for something else.
func sameUnits(writer, reader *avro.Schema, exact bool) error {
	w, r := writer.Root(), reader.Root()
	u := units{
		writer: map[string]*avro.SchemaNode{}, reader: map[string]*avro.SchemaNode{},
		seen: map[[2]*avro.SchemaNode]bool{}, exact: exact,
	}
	index(w, u.writer)
	index(r, u.reader)
	return u.compare(w, r, "", "", w.Name)
}

// index collects the named types below n.
func index(n *avro.SchemaNode, into map[string]*avro.SchemaNode) {
	if n == nil {
		return
	}
	if n.Name != "" {
		into[fullName(n.Namespace, n.Name)] = n
	}
	for i := range n.Fields {
		index(&n.Fields[i].Type, into)
	}
	for i := range n.Branches {
		index(&n.Branches[i], into)
	}
	index(n.Items, into)
	index(n.Values, into)
}

// lookUp follows a reference, which may leave out the namespace around it, and returns the
// node with the namespace for what is inside.
func lookUp(n *avro.SchemaNode, ns string, types map[string]*avro.SchemaNode) (*avro.SchemaNode, string) {
	if n.Name == "" && !isKind(n.Type) {
		found := types[n.Type]
		if !strings.Contains(n.Type, ".") {
			if near := types[fullName(ns, n.Type)]; near != nil {
				found = near
			}
		}
		if found != nil {
			n = found
		}
	}
	if n.Name != "" {
		ns = n.Namespace
	}
	return n, ns
}

func isKind(t string) bool {
	_, primitive := primitiveBytes[t]
	return primitive || slices.Contains([]string{"record", "error", "enum", "fixed", "array", "map", "union"}, t)
}

func (u *units) compare(w, r *avro.SchemaNode, wns, rns, path string) error {
	w, wns = lookUp(w, wns, u.writer)
	r, rns = lookUp(r, rns, u.reader)
	if u.seen[[2]*avro.SchemaNode{w, r}] {
		return nil
	}
	u.seen[[2]*avro.SchemaNode{w, r}] = true
	switch {
	case w.Type == "union":
		return u.branches(w, r, wns, rns, path)
	case r.Type == "union":
		return u.into(w, r, wns, rns, path)
	case w.Type == "array" && r.Type == "array":
		return u.compare(w.Items, r.Items, wns, rns, path+"[]")
	case w.Type == "map" && r.Type == "map":
		return u.compare(w.Values, r.Values, wns, rns, path+"[]")
	case len(w.Fields) > 0:
		return u.fields(w, r, wns, rns, path)
	}
	return u.unit(w, r, path)
}

// unit compares two values that are no containers.
func (u *units) unit(w, r *avro.SchemaNode, path string) error {
	raw := r.LogicalType == "" || r.LogicalType == "uuid"
	if (raw && !u.exact) || (w.LogicalType == r.LogicalType && w.Precision == r.Precision && w.Scale == r.Scale) {
		return nil
	}
	return fmt.Errorf("%s: written as %s, read as %s", path, unitName(w), unitName(r))
}

func unitName(n *avro.SchemaNode) string {
	if n.LogicalType == "" {
		return n.Type + " without a logical type"
	}
	if n.LogicalType == "decimal" {
		return fmt.Sprintf("decimal(%d,%d)", n.Precision, n.Scale)
	}
	return n.LogicalType
}

func (u *units) branches(w, r *avro.SchemaNode, wns, rns, path string) error {
	for i := range w.Branches {
		if err := u.compare(&w.Branches[i], r, wns, rns, path); err != nil {
			return err
		}
	}
	return nil
}

// into compares w with the branch of the reader's union that takes its values: the one of
// the same kind, else the first to which it can be widened.
func (u *units) into(w, r *avro.SchemaNode, wns, rns, path string) error {
	var wider *avro.SchemaNode
	for i := range r.Branches {
		b, _ := lookUp(&r.Branches[i], rns, u.reader)
		switch {
		case b.Type == w.Type && b.Name == w.Name:
			return u.compare(w, b, wns, rns, path)
		case wider == nil && widens(w.Type, b.Type):
			wider = b
		}
	}
	if wider == nil {
		return nil
	}
	return u.compare(w, wider, wns, rns, path)
}

func widens(from, to string) bool {
	order := []string{"int", "long", "float", "double"}
	i, j := slices.Index(order, from), slices.Index(order, to)
	text := (from == "string" && to == "bytes") || (from == "bytes" && to == "string")
	return text || (i >= 0 && i < j)
}

func (u *units) fields(w, r *avro.SchemaNode, wns, rns, path string) error {
	for i := range w.Fields {
		f := &w.Fields[i]
		other := readerField(r, f.Name)
		if other == nil {
			continue
		}
		if err := u.compare(fieldType(f), fieldType(other), wns, rns, path+"."+f.Name); err != nil {
			return err
		}
	}
	return nil
}

// fieldType is the type of f. A logical type beside the field's name counts as the type's.
func fieldType(f *avro.SchemaField) *avro.SchemaNode {
	logical, ok := f.Props["logicalType"].(string)
	if !ok || f.Type.LogicalType != "" || primitiveBytes[f.Type.Type] == 0 {
		return &f.Type
	}
	n := f.Type
	n.LogicalType = logical
	return &n
}

func readerField(r *avro.SchemaNode, name string) *avro.SchemaField {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return &r.Fields[i]
		}
	}
	for i := range r.Fields {
		if slices.Contains(r.Fields[i].Aliases, name) {
			return &r.Fields[i]
		}
	}
	return nil
}

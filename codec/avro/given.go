package avro

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// A schema that the service brings along, such as an .avsc file that it embeds, takes the
// place of the derived one. given checks it against the Go type.
type given struct {
	types   map[string]*avro.SchemaNode
	seen    map[fitting]bool
	renamed bool
}

type fitting struct {
	node *avro.SchemaNode
	typ  reflect.Type
}

// schemaGiven compiles text for values of t. The error names the place that does not fit.
func schemaGiven(t reflect.Type, text string) (*schema, error) {
	s, err := compile(text)
	if err != nil {
		return nil, fmt.Errorf("schema given for %s: %w", t, err)
	}
	root := s.public.Root()
	g := given{types: map[string]*avro.SchemaNode{}, seen: map[fitting]bool{}}
	index(root, g.types)
	if err := g.fit(root, "", t, t.Name()); err != nil {
		return nil, fmt.Errorf("schema given for %s: %w", t, err)
	}
	if !g.renamed {
		return s, nil
	}
	values, err := root.Schema()
	if err != nil {
		return nil, fmt.Errorf("schema given for %s: %w", t, err)
	}
	s.values = values
	return s, nil
}

func (g *given) fit(n *avro.SchemaNode, ns string, t reflect.Type, path string) error {
	n, ns = lookUp(n, ns, g.types)
	switch {
	case n.Type == "union":
		return g.nullable(n, ns, t, path)
	case t.Kind() == reflect.Pointer:
		return fmt.Errorf("%s: %s may be nil, the schema has no null", path, t)
	case known(t):
		return g.known(n, t, path)
	}
	switch n.Type {
	case "record", "error":
		return g.record(n, ns, t, path)
	case "array":
		return g.items(n.Items, ns, t, path, t.Kind() == reflect.Slice, "a slice")
	case "map":
		return g.items(n.Values, ns, t, path, t.Kind() == reflect.Map && t.Key().Kind() == reflect.String, "a map with strings for keys")
	}
	if fitsPlain(n, t) {
		return nil
	}
	return misfit(n, t, path)
}

func misfit(n *avro.SchemaNode, t reflect.Type, path string) error {
	return fmt.Errorf("%s: the schema has %s, the Go type is %s", path, typeText(n), t)
}

func (g *given) nullable(n *avro.SchemaNode, ns string, t reflect.Type, path string) error {
	null := slices.IndexFunc(n.Branches, func(b avro.SchemaNode) bool { return b.Type == "null" })
	if len(n.Branches) != 2 || null < 0 {
		return fmt.Errorf("%s: the schema has %s: only a union of null and one type has a Go type", path, typeText(n))
	}
	if t.Kind() != reflect.Pointer {
		return fmt.Errorf("%s: the schema has null, %s has not: use a pointer", path, t)
	}
	return g.fit(&n.Branches[1-null], ns, t.Elem(), path)
}

// known checks times, durations and decimals, whose unit the schema says.
func (g *given) known(n *avro.SchemaNode, t reflect.Type, path string) error {
	span := n.LogicalType == "time-millis" || n.LogicalType == "time-micros"
	switch {
	case t == ratType && n.LogicalType == "decimal",
		t == durationType && span,
		t == timeType && !span && n.Type == baseOf(n.LogicalType):
		return nil
	}
	return fmt.Errorf("%s: the schema has %s, the Go type is %s", path, unitName(n), t)
}

func (g *given) items(n *avro.SchemaNode, ns string, t reflect.Type, path string, ok bool, want string) error {
	if !ok {
		return fmt.Errorf("%s: the schema wants %s, the Go type is %s", path, want, t)
	}
	return g.fit(n, ns, t.Elem(), path+"[]")
}

// fitsPlain reports a Go type that holds what n has.
func fitsPlain(n *avro.SchemaNode, t reflect.Type) bool {
	bytes := (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
	text := t.Kind() == reflect.String || (marshalsText(t) && unmarshalsText(t))
	switch n.Type {
	case "string":
		return text
	case "enum":
		return t.Kind() == reflect.String
	case "bytes":
		return bytes && t.Kind() == reflect.Slice
	case "fixed":
		return bytes && t.Kind() == reflect.Array && t.Len() == n.Size
	}
	return primitive(t.Kind()) == n.Type
}

func (g *given) record(n *avro.SchemaNode, ns string, t reflect.Type, path string) error {
	if g.seen[fitting{n, t}] {
		return nil
	}
	g.seen[fitting{n, t}] = true
	if t.Kind() != reflect.Struct {
		return misfit(n, t, path)
	}
	fields, err := fieldsOf(t, path)
	if err != nil {
		return err
	}
	if err := unsaid(n, fields, path); err != nil {
		return err
	}
	for i := range n.Fields {
		if err := g.field(&n.Fields[i], ns, fields, path); err != nil {
			return err
		}
	}
	return nil
}

// unsaid refuses fields of the struct that would be left out without a word.
func unsaid(n *avro.SchemaNode, fields []field, path string) error {
	for _, f := range fields {
		named := func(s avro.SchemaField) bool { return s.Name == f.public(f.StructField) }
		if !slices.ContainsFunc(n.Fields, named) {
			return fmt.Errorf("%s.%s: the schema has no field %q: leave it out with avro:\"-\"", path, f.Name, f.public(f.StructField))
		}
	}
	return nil
}

func (g *given) field(n *avro.SchemaField, ns string, fields []field, path string) error {
	i := slices.IndexFunc(fields, func(f field) bool { return f.public(f.StructField) == n.Name })
	if i < 0 {
		return fmt.Errorf("%s: the Go type has no field for %q", path, n.Name)
	}
	f := fields[i]
	if err := g.fit(fieldType(n), ns, f.Type, path+"."+f.Name); err != nil {
		return err
	}
	if internal := f.internal(f.StructField); internal != n.Name {
		g.renamed = true
		n.Aliases = append(n.Aliases, n.Name)
		n.Name = internal
	}
	return nil
}

// validateGiven reports every schema of cfg that does not fit its type.
func validateGiven(texts map[reflect.Type]string) []error {
	var faults []error
	for t, text := range texts {
		if t == nil || t.Kind() != reflect.Struct {
			faults = append(faults, fmt.Errorf("avro: a schema is given for %v: want a struct", t))
		} else if _, err := schemaGiven(t, text); err != nil {
			faults = append(faults, err)
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return faults
}

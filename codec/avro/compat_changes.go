package avro

import (
	"fmt"
	"slices"

	"github.com/twmb/avro"
)

// changes walks two schemas side by side and notes where they differ.
type changes struct {
	older, newer *side
	found        *findings
	seen         map[pair]bool
}

func (c *changes) compare(o, n spot, path string) {
	o, n = c.older.at(o.SchemaNode, o.ns), c.newer.at(n.SchemaNode, n.ns)
	if c.seen[pair{o.SchemaNode, n.SchemaNode}] {
		return
	}
	c.seen[pair{o.SchemaNode, n.SchemaNode}] = true
	switch {
	case o.Type == "union" || n.Type == "union":
		c.unions(o, n, path)
	case o.kind() != n.kind():
		c.became(path, typeText(o.SchemaNode), typeText(n.SchemaNode))
	default:
		c.sameKind(o, n, path)
	}
}

func (c *changes) became(path, was, is string) {
	if was != is {
		c.found.note(path, was+" became "+is)
	}
}

func (c *changes) sameKind(o, n spot, path string) {
	switch o.kind() {
	case "array":
		c.compare(spot{o.Items, o.ns}, spot{n.Items, n.ns}, path+"[]")
		return
	case "map":
		c.compare(spot{o.Values, o.ns}, spot{n.Values, n.ns}, path+"[]")
		return
	case "record":
		c.became(path, o.full(), n.full())
		c.fields(o, n, path)
		return
	case "enum":
		c.became(path, o.full(), n.full())
		c.symbols(o, n, path)
	case "fixed":
		c.became(path, fixedText(o), fixedText(n))
	}
	c.became(path, leafText(o), leafText(n))
}

func fixedText(s spot) string { return fmt.Sprintf("%s of %d bytes", s.full(), s.Size) }

// leafText is a type with its unit; that of an enum or a fixed leaves out the name.
func leafText(s spot) string {
	if s.LogicalType == "" {
		return s.Type
	}
	return s.Type + "(" + unitName(s.SchemaNode) + ")"
}

// unions compares what may stand at a place where one side has several types.
func (c *changes) unions(o, n spot, path string) {
	before, after := c.older.branches(o), c.newer.branches(n)
	if o.Type != n.Type || !slices.EqualFunc(before, after, sameBranch) {
		c.became(path, typeText(o.SchemaNode), typeText(n.SchemaNode))
	}
	for _, b := range before {
		if i := slices.IndexFunc(after, func(a spot) bool { return sameBranch(b, a) }); i >= 0 {
			c.compare(b, after[i], path)
		}
	}
}

func sameBranch(a, b spot) bool { return a.kind() == b.kind() && a.full() == b.full() }

func (c *changes) fields(o, n spot, path string) {
	taken := map[string]bool{}
	for i := range o.Fields {
		f := &o.Fields[i]
		at := below(path, f.Name)
		other := readerField(n.SchemaNode, f.Name)
		if other == nil {
			c.found.note(at, "removed")
			continue
		}
		taken[other.Name] = true
		if other.Name != f.Name {
			c.found.note(at, fmt.Sprintf("renamed to %s with an alias", other.Name))
		}
		c.became(at, defaultText(f), defaultText(other))
		c.compare(spot{fieldType(f), o.ns}, spot{fieldType(other), n.ns}, at)
	}
	for i := range n.Fields {
		if f := &n.Fields[i]; !taken[f.Name] {
			c.found.note(below(path, f.Name), "added with "+defaultText(f))
		}
	}
}

func below(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func defaultText(f *avro.SchemaField) string {
	switch text, quoted := f.Default.(string); {
	case !f.HasDefault:
		return "no default"
	case f.Default == nil:
		return "default null"
	case quoted:
		return fmt.Sprintf("default %q", text)
	}
	return fmt.Sprintf("default %v", f.Default)
}

func (c *changes) symbols(o, n spot, path string) {
	for _, s := range o.Symbols {
		if !slices.Contains(n.Symbols, s) {
			c.found.note(path, "symbol "+s+" removed")
		}
	}
	for _, s := range n.Symbols {
		if !slices.Contains(o.Symbols, s) {
			c.found.note(path, "symbol "+s+" added")
		}
	}
	c.became(path, symbolDefault(o), symbolDefault(n))
}

func symbolDefault(s spot) string {
	if !s.HasEnumDefault {
		return "no default symbol"
	}
	return "default symbol " + s.EnumDefault
}

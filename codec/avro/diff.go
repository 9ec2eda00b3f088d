package avro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// difference tells in one line how our schema differs from the one that the registry has.
func difference(theirs, ours string) string {
	old, err := compile(theirs)
	if err != nil {
		return "the registered one cannot be read: " + err.Error()
	}
	mine, err := compile(ours)
	if err != nil {
		return err.Error()
	}
	a, b := lines(old.public), lines(mine.public)
	var out []string
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "+ "+line)
		}
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "- "+line)
		}
	}
	if len(out) == 0 {
		return "only in docs, order or aliases"
	}
	return cut(strings.Join(out, ", "), maxAnswer)
}

// lines lists every field of every record with its type.
func lines(s *avro.Schema) []string {
	root := s.Root()
	types := map[string]*avro.SchemaNode{}
	index(root, types)
	out := []string{"schema " + typeText(root)}
	for name, n := range types {
		for _, f := range n.Fields {
			out = append(out, fieldText(name, f))
		}
		if len(n.Symbols) > 0 {
			out = append(out, name+" "+strings.Join(n.Symbols, "|"))
		}
	}
	slices.Sort(out)
	return out
}

func fieldText(record string, f avro.SchemaField) string {
	text := record + "." + f.Name + " " + typeText(fieldType(&f))
	switch {
	case !f.HasDefault:
		return text
	case f.Default == nil:
		return text + " default null"
	}
	return text + fmt.Sprintf(" default %v", f.Default)
}

func typeText(n *avro.SchemaNode) string {
	switch {
	case n.Type == "array":
		return "array<" + typeText(n.Items) + ">"
	case n.Type == "map":
		return "map<" + typeText(n.Values) + ">"
	case n.Type == "union":
		parts := make([]string, len(n.Branches))
		for i := range n.Branches {
			parts[i] = typeText(&n.Branches[i])
		}
		return strings.Join(parts, "|")
	case n.Name != "":
		return fullName(n.Namespace, n.Name)
	case n.LogicalType != "":
		return n.Type + "(" + unitName(n) + ")"
	}
	return n.Type
}

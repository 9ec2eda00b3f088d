package avrocheck

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// compatible reports whether next may follow old at a level.
func compatible(level sr.CompatibilityLevel, old, next *avro.Schema) error {
	switch level {
	case sr.CompatBackward, sr.CompatBackwardTransitive:
		return readable(old, next)
	case sr.CompatForward, sr.CompatForwardTransitive:
		return readable(next, old)
	case sr.CompatFull, sr.CompatFullTransitive:
		return errors.Join(readable(old, next), readable(next, old))
	case sr.CompatNone:
	}
	return nil
}

// readable reports whether reader reads what writer wrote. It is as strict as the registries: a field that
// the writer lacks needs a default, also when its type allows null.
func readable(writer, reader *avro.Schema) error {
	if err := avro.CheckCompatibility(writer, reader); err != nil {
		return err
	}
	written := records(writer)
	for name, r := range records(reader) {
		if w, ok := written[name]; ok {
			if err := missingDefault(name, w, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func missingDefault(record string, writer, reader avro.SchemaNode) error {
	for _, f := range reader.Fields {
		if !f.HasDefault && !hasField(writer, append(f.Aliases, f.Name)) {
			return fmt.Errorf("field %s of %s has no default and is missing from the writer", f.Name, record)
		}
	}
	return nil
}

func hasField(record avro.SchemaNode, names []string) bool {
	return slices.ContainsFunc(record.Fields, func(f avro.SchemaField) bool { return slices.Contains(names, f.Name) })
}

// records returns the definitions of all records in a schema by their full names.
func records(s *avro.Schema) map[string]avro.SchemaNode {
	found := map[string]avro.SchemaNode{}
	collect(*s.Root(), found)
	return found
}

func collect(n avro.SchemaNode, found map[string]avro.SchemaNode) {
	if n.Type == "record" || n.Type == "error" {
		found[n.Namespace+"."+n.Name] = n
	}
	for _, f := range n.Fields {
		collect(f.Type, found)
	}
	for _, b := range n.Branches {
		collect(b, found)
	}
	for _, child := range []*avro.SchemaNode{n.Items, n.Values} {
		if child != nil {
			collect(*child, found)
		}
	}
}

package avro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// reading finds every reason why the reader's schema cannot read what was written with the
// writer's.
type reading struct {
	writer, reader *side
	backward       bool // the writer is the older one; paths have the older names
	seen           map[pair]bool
	reasons        map[string][]string // by path
}

// unreadable returns the reasons by path, none when the reader reads all that was written.
func unreadable(writer, reader *side, backward bool) map[string][]string {
	r := reading{writer: writer, reader: reader, backward: backward, seen: map[pair]bool{}, reasons: map[string][]string{}}
	r.value(writer.top(), reader.top(), "")
	// What the decoder refuses is unreadable even if the rules here know no reason.
	if err := avro.CheckCompatibility(writer.public, reader.public); err != nil && len(r.reasons) == 0 {
		r.because("", "%s", err)
	}
	return r.reasons
}

func (r *reading) because(path, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.reasons[path], text) {
		r.reasons[path] = append(r.reasons[path], text)
	}
}

func (r *reading) value(from, to spot, path string) {
	from, to = r.writer.at(from.SchemaNode, from.ns), r.reader.at(to.SchemaNode, to.ns)
	if r.seen[pair{from.SchemaNode, to.SchemaNode}] {
		return
	}
	r.seen[pair{from.SchemaNode, to.SchemaNode}] = true
	switch {
	case from.Type == "union":
		for _, b := range r.writer.branches(from) {
			r.value(b, to, path)
		}
	case to.Type == "union":
		r.branch(from, to, path)
	case from.kind() == to.kind():
		r.sameKind(from, to, path)
	case widens(from.Type, to.Type):
		r.unit(from, to, path)
	default:
		r.because(path, "%s cannot be read as %s", typeText(from.SchemaNode), typeText(to.SchemaNode))
	}
}

// branch reads into the branch of a union that fits best: one of the same name, else one
// that is called alike, else the first that is wide enough.
func (r *reading) branch(from, to spot, path string) {
	all := r.reader.branches(to)
	for _, fits := range []func(spot) bool{
		func(b spot) bool { return b.kind() == from.kind() && b.Size == from.Size && b.answersTo(from.full()) },
		func(b spot) bool { return b.kind() == from.kind() && from.Name != "" && b.Name == from.Name },
		func(b spot) bool { return widens(from.Type, b.Type) },
	} {
		if i := slices.IndexFunc(all, fits); i >= 0 {
			r.value(from, all[i], path)
			return
		}
	}
	r.because(path, "no branch of %s takes %s", typeText(to.SchemaNode), typeText(from.SchemaNode))
}

func (r *reading) sameKind(from, to spot, path string) {
	if from.Name != "" {
		r.name(from, to, path)
	}
	switch from.kind() {
	case "array":
		r.value(spot{from.Items, from.ns}, spot{to.Items, to.ns}, path+"[]")
	case "map":
		r.value(spot{from.Values, from.ns}, spot{to.Values, to.ns}, path+"[]")
	case "record":
		r.fields(from, to, path)
	case "enum":
		r.symbols(from, to, path)
	default:
		r.size(from, to, path)
		r.unit(from, to, path)
	}
}

func (r *reading) name(from, to spot, path string) {
	switch {
	case to.answersTo(from.full()):
	case from.Name == to.Name:
		r.because(path, "written in the namespace %s, read in %s, and no alias tells the reader", quoted(from.Namespace), quoted(to.Namespace))
	default:
		r.because(path, "written as %s, read as %s, and no alias tells the reader", from.full(), to.full())
	}
}

func quoted(namespace string) string { return orElse(namespace, `""`) }

func (r *reading) size(from, to spot, path string) {
	if from.Size != to.Size {
		r.because(path, "written with %d bytes, read with %d", from.Size, to.Size)
	}
}

// unit compares logical types: Avro takes no notice of them, so a reader would take values
// for something else.
func (r *reading) unit(from, to spot, path string) {
	u := units{exact: true}
	if err := u.unit(from.SchemaNode, to.SchemaNode, ""); err != nil {
		r.because(path, "%s", strings.TrimPrefix(err.Error(), ": "))
	}
}

func (r *reading) symbols(from, to spot, path string) {
	for _, s := range from.Symbols {
		if !slices.Contains(to.Symbols, s) && !to.HasEnumDefault {
			r.because(path, "the reader does not know the symbol %s and has no default symbol", s)
		}
	}
}

func (r *reading) fields(from, to spot, path string) {
	for i := range to.Fields {
		f := &to.Fields[i]
		written := writtenFields(from, f)
		switch {
		case len(written) > 1:
			r.because(below(path, f.Name), "its name and aliases stand for several written fields: %s", fieldNames(written))
		case len(written) == 1:
			r.field(written[0], f, from, to, path)
		case !hasOwnDefault(f):
			r.because(below(path, f.Name), "%s", lacking(f))
		}
	}
}

func (r *reading) field(w, f *avro.SchemaField, from, to spot, path string) {
	name := f.Name
	if r.backward {
		name = w.Name
	}
	r.value(spot{fieldType(w), from.ns}, spot{fieldType(f), to.ns}, below(path, name))
}

// writtenFields are those that the reader takes for its field f.
func writtenFields(from spot, f *avro.SchemaField) (found []*avro.SchemaField) {
	for i := range from.Fields {
		if w := &from.Fields[i]; w.Name == f.Name || slices.Contains(f.Aliases, w.Name) {
			found = append(found, w)
		}
	}
	return found
}

func fieldNames(fs []*avro.SchemaField) string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// hasOwnDefault reports a default that all readers understand: before Avro 1.12 that of a
// union belongs to its first branch.
func hasOwnDefault(f *avro.SchemaField) bool {
	return f.HasDefault && !misplacedNull(f)
}

func misplacedNull(f *avro.SchemaField) bool {
	return f.HasDefault && f.Default == nil && len(f.Type.Branches) > 0 && f.Type.Branches[0].Type != "null"
}

func lacking(f *avro.SchemaField) string {
	if misplacedNull(f) {
		return "it was not written, and its default null is not of the first type of its union"
	}
	return "it was not written and has no default"
}

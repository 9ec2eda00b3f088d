package avro

import "github.com/twmb/avro"

// layout says how values of a schema lie in the bytes.
type layout struct {
	steps  []step
	text   []step // up to the last one that may hold text
	binary bool   // there are bytes in it, which a reader may take for text
}

// program is what a value consists of, one after the other. Records are written out but for
// those that hold themselves.
type program struct{ steps []step }

type step struct {
	kind  stepKind
	size  int        // of stepSkip; of an array's items where all have the same
	texts int        // of an array or a map whose items are nothing but texts: how many each has
	parts []*program // of a union; the one of a record, of an array's items, of a map's entries
}

type stepKind byte

const (
	stepSkip stepKind = iota // so many bytes
	stepNumber
	stepBytes
	stepText
	stepArray
	stepMap
	stepUnion
	stepRecord
)

// layouter makes the program of every type once.
type layouter struct {
	types  map[string]*avro.SchemaNode
	made   map[*avro.SchemaNode]*program
	open   map[*avro.SchemaNode]bool
	binary bool
}

func layoutOf(s *avro.Schema) *layout {
	root := s.Root()
	l := layouter{types: map[string]*avro.SchemaNode{}, made: map[*avro.SchemaNode]*program{}, open: map[*avro.SchemaNode]bool{}}
	index(root, l.types)
	all := l.program(root, "").steps
	return &layout{steps: all, text: upToText(all), binary: l.binary}
}

func upToText(all []step) []step {
	for len(all) > 0 && !all[len(all)-1].mayHoldText() {
		all = all[:len(all)-1]
	}
	return all
}

func (s *step) mayHoldText() bool {
	plain := s.kind == stepSkip || s.kind == stepNumber || s.kind == stepBytes
	return !plain && (s.kind != stepArray || s.size == 0)
}

func (l *layouter) program(n *avro.SchemaNode, ns string) *program {
	n, ns = lookUp(n, ns, l.types)
	if made := l.made[n]; made != nil {
		return made
	}
	p := &program{}
	l.made[n], l.open[n] = p, true
	defer delete(l.open, n)
	if n.Type != "record" && n.Type != "error" {
		p.steps = []step{l.step(n, ns)}
		return p
	}
	for i := range n.Fields {
		p.add(l.field(&n.Fields[i].Type, ns))
	}
	return p
}

// field returns the steps of a value inside a record.
func (l *layouter) field(n *avro.SchemaNode, ns string) []step {
	n, ns = lookUp(n, ns, l.types)
	p := l.program(n, ns)
	if l.open[n] {
		return []step{{kind: stepRecord, parts: []*program{p}}}
	}
	return p.steps
}

// add appends steps; those that skip bytes become one.
func (p *program) add(steps []step) {
	for _, s := range steps {
		if last := len(p.steps) - 1; s.kind == stepSkip && last >= 0 && p.steps[last].kind == stepSkip {
			p.steps[last].size += s.size
			continue
		}
		p.steps = append(p.steps, s)
	}
}

func (l *layouter) step(n *avro.SchemaNode, ns string) step {
	switch n.Type {
	case "array":
		items := l.program(n.Items, ns)
		s := step{kind: stepArray, parts: []*program{items}}
		if item, _ := lookUp(n.Items, ns, l.types); !l.open[item] {
			s.size, s.texts = items.fixedSize(), items.texts()
		}
		return s
	case "map":
		entry := &program{steps: []step{{kind: stepText}}}
		entry.add(l.field(n.Values, ns))
		return step{kind: stepMap, texts: entry.texts(), parts: []*program{entry}}
	case "union":
		s := step{kind: stepUnion}
		for i := range n.Branches {
			s.parts = append(s.parts, l.program(&n.Branches[i], ns))
		}
		return s
	case "fixed":
		return step{kind: stepSkip, size: n.Size}
	}
	l.binary = l.binary || n.Type == "bytes"
	return plainSteps[n.Type]
}

var plainSteps = map[string]step{
	"null": {kind: stepSkip}, "boolean": {kind: stepSkip, size: 1},
	"float": {kind: stepSkip, size: 4}, "double": {kind: stepSkip, size: 8},
	"int": {kind: stepNumber}, "long": {kind: stepNumber}, "enum": {kind: stepNumber},
	"string": {kind: stepText}, "bytes": {kind: stepBytes},
}

// fixedSize is the size of every value, 0 when they differ.
func (p *program) fixedSize() int {
	if len(p.steps) == 1 && p.steps[0].kind == stepSkip {
		return p.steps[0].size
	}
	return 0
}

// texts is how many texts every value has that has nothing else, 0 for the others.
func (p *program) texts() int {
	for i := range p.steps {
		if p.steps[i].kind != stepText {
			return 0
		}
	}
	return len(p.steps)
}

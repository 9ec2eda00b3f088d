package avro

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/go-json-experiment/json"
)

// What a schema may ask for. A text of 2 KB can otherwise describe a value that fills all
// memory, and bytes that never end.
const (
	maxSchemaBytes = 256 << 10
	maxNesting     = 64
	maxNodes       = 10_000
	maxFixed       = 1 << 20
	maxZeroWidth   = 4    // values without bytes in one item of an array or a map
	maxDigits      = 1000 // of a decimal: a value of one byte is written out with all of them
	maxReferences  = 32
	maxRefDepth    = 8
)

// guard measures schemas before they are used. It keeps the named types of those it has
// seen, so that a schema may refer to types of the ones before it.
type guard struct {
	types  map[string]*measured
	bounds int // unions, arrays and maps around the place that is measured
}

// size is what a value of a schema comes to when every reference is written out.
type size struct {
	nodes  int // schema nodes
	height int // levels
	bytes  int // the least bytes a value takes
	empty  int // values that take no bytes
}

// measured is a named type: where it is defined and, once measured, its size.
type measured struct {
	size
	node          map[string]any
	ns            string // for what is inside
	started, done bool
	repeats       bool // it holds itself in a union, an array or a map
	bounds        int  // of the guard when it started
}

func newGuard() *guard { return &guard{types: map[string]*measured{}} }

// check reports why the schema text must not be used.
func (g *guard) check(text string) error {
	if len(text) > maxSchemaBytes {
		return fmt.Errorf("schema of %d bytes: the limit is %d", len(text), maxSchemaBytes)
	}
	var node any
	if err := json.Unmarshal([]byte(text), &node); err != nil {
		return fmt.Errorf("schema is not JSON: %w", err)
	}
	if err := g.collect(node, "", 0); err != nil {
		return fmt.Errorf("schema refused: %w", err)
	}
	s, err := g.measure(node, "", 0)
	if err == nil {
		err = s.within()
	}
	if err != nil {
		return fmt.Errorf("schema refused: %w", err)
	}
	return nil
}

func (s size) within() error {
	switch {
	case s.nodes > maxNodes:
		return fmt.Errorf("written out it has more than %d nodes", maxNodes)
	case s.height > maxNesting:
		return errNesting
	}
	return nil
}

var errNesting = fmt.Errorf("nested deeper than %d", maxNesting)

// collect finds the named types, so that a type may be used before its definition.
func (g *guard) collect(node any, ns string, depth int) error {
	if depth > 2*maxNesting { // a type in an object of its own takes two levels
		return errNesting
	}
	switch n := node.(type) {
	case []any:
		return g.collectAll(n, ns, depth)
	case map[string]any:
		return g.collectObject(n, ns, depth)
	}
	return nil
}

// digits refuses decimals that are long to write out.
func digits(n map[string]any) error {
	if n["logicalType"] != "decimal" {
		return nil
	}
	for _, key := range []string{"precision", "scale"} {
		if count, ok := n[key].(float64); ok && count > maxDigits {
			return fmt.Errorf("a decimal of %s %.0f: the limit is %d", key, count, maxDigits)
		}
	}
	return nil
}

func (g *guard) collectAll(nodes []any, ns string, depth int) error {
	for _, n := range nodes {
		if err := g.collect(n, ns, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (g *guard) collectObject(n map[string]any, ns string, depth int) error {
	if err := digits(n); err != nil {
		return err
	}
	switch n["type"] {
	case "record", "error":
		ns, err := g.declare(n, ns)
		if err != nil {
			return err
		}
		fields, _ := n["fields"].([]any)
		return g.collectFields(fields, ns, depth)
	case "enum", "fixed":
		_, err := g.declare(n, ns)
		return err
	case "array":
		return g.collect(n["items"], ns, depth+1)
	case "map":
		return g.collect(n["values"], ns, depth+1)
	}
	return g.collect(n["type"], ns, depth+1)
}

func (g *guard) collectFields(fields []any, ns string, depth int) error {
	for _, f := range fields {
		field, _ := f.(map[string]any)
		if err := digits(field); err != nil { // it may stand beside the field's name
			return err
		}
		if err := g.collect(typeOfField(field), ns, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// typeOfField is the type of a field, whose own keys may stand beside the field's.
func typeOfField(field map[string]any) any {
	switch field["type"] {
	case "record", "error", "enum", "fixed", "array", "map":
		return field
	}
	return field["type"]
}

func (g *guard) declare(n map[string]any, ns string) (inner string, err error) {
	full, inner, err := scope(n, ns)
	if err != nil {
		return "", err
	}
	if g.types[full] != nil {
		return "", fmt.Errorf("type %q is defined twice", full)
	}
	g.types[full] = &measured{node: n, ns: inner}
	return inner, nil
}

func (g *guard) measure(node any, ns string, depth int) (size, error) {
	if depth > maxNesting {
		return size{}, errNesting
	}
	switch n := node.(type) {
	case string:
		return g.name(n, ns)
	case []any:
		return g.union(n, ns, depth)
	case map[string]any:
		return g.object(n, ns, depth)
	}
	return size{}, fmt.Errorf("%v is no schema", node)
}

var primitiveBytes = map[string]int{
	"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1,
}

func (g *guard) name(name, ns string) (size, error) {
	if least, ok := primitiveBytes[name]; ok {
		return leaf(least), nil
	}
	return g.definition(g.lookup(name, ns), name)
}

// definition measures a named type once.
func (g *guard) definition(m *measured, name string) (size, error) {
	switch {
	case m == nil:
		return size{}, fmt.Errorf("type %q is not defined", name)
	case m.done:
		return m.size, nil
	case m.started && m.bounds == g.bounds:
		return size{}, fmt.Errorf("type %q contains itself", name)
	case m.started:
		m.repeats = true
		return leaf(1), nil // it holds the union, array or map that led here: a byte at least
	}
	m.started, m.bounds = true, g.bounds
	var err error
	m.size, err = g.body(m)
	if err == nil && m.repeats && m.empty > maxZeroWidth {
		err = fmt.Errorf("type %q repeats itself with more than %d values without bytes", name, maxZeroWidth)
	}
	m.done = err == nil
	return m.size, err
}

func (g *guard) body(m *measured) (size, error) {
	switch m.node["type"] {
	case "enum":
		return leaf(1), nil
	case "fixed":
		return fixedSize(m.node)
	}
	return g.record(m.node, m.ns)
}

func (g *guard) lookup(name, ns string) *measured {
	if !strings.Contains(name, ".") && ns != "" {
		if m := g.types[ns+"."+name]; m != nil {
			return m
		}
	}
	return g.types[name]
}

func leaf(least int) size {
	s := size{nodes: 1, height: 1, bytes: least}
	if least == 0 {
		s.empty = 1
	}
	return s
}

func (g *guard) object(n map[string]any, ns string, depth int) (size, error) {
	kind, ok := n["type"].(string)
	if !ok {
		return g.measure(n["type"], ns, depth+1)
	}
	switch kind {
	case "record", "error", "enum", "fixed":
		full, _, err := scope(n, ns)
		if err != nil {
			return size{}, err
		}
		return g.definition(g.types[full], full)
	case "array":
		return g.container(n["items"], ns, depth, "array")
	case "map":
		return g.container(n["values"], ns, depth, "map")
	}
	return g.name(kind, ns)
}

func fixedSize(n map[string]any) (size, error) {
	length, ok := n["size"].(float64)
	if !ok || length < 0 || length > maxFixed {
		return size{}, fmt.Errorf("fixed %v of size %v: the limit is %d", n["name"], n["size"], maxFixed)
	}
	return leaf(int(length)), nil
}

// scope returns the full name that n defines and the namespace for what is inside.
func scope(n map[string]any, ns string) (full, inner string, err error) {
	name, _ := n["name"].(string)
	if name == "" {
		return "", "", errors.New("a named type has no name")
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name, name[:i], nil
	}
	if own, ok := n["namespace"].(string); ok {
		ns = own
	}
	return fullName(ns, name), ns, nil
}

func (g *guard) record(n map[string]any, ns string) (size, error) {
	fields, ok := n["fields"].([]any)
	if !ok {
		return size{}, fmt.Errorf("record %v has no fields", n["name"])
	}
	sum := size{nodes: 1}
	for _, f := range fields {
		s, err := g.recordField(f, ns)
		if err != nil {
			return size{}, err
		}
		sum = sum.and(s)
	}
	if sum.bytes == 0 {
		sum.empty = plus(sum.empty, 1)
	}
	sum.height++
	return sum, sum.within()
}

func (g *guard) recordField(f any, ns string) (size, error) {
	field, ok := f.(map[string]any)
	if !ok {
		return size{}, fmt.Errorf("%v is no field", f)
	}
	return g.measure(typeOfField(field), ns, 1)
}

func (s size) and(other size) size {
	return size{
		nodes: plus(s.nodes, other.nodes), height: max(s.height, other.height),
		bytes: plus(s.bytes, other.bytes), empty: plus(s.empty, other.empty),
	}
}

// plus adds without running over.
func plus(a, b int) int {
	if a > math.MaxInt32-b {
		return math.MaxInt32
	}
	return a + b
}

func (g *guard) union(branches []any, ns string, depth int) (size, error) {
	g.bounds++
	defer func() { g.bounds-- }()
	sum := size{nodes: 1}
	empty := 0
	for _, b := range branches {
		s, err := g.measure(b, ns, depth+1)
		if err != nil {
			return size{}, err
		}
		sum = sum.and(s)
		empty = max(empty, s.empty-1) // the branch's number takes a byte
	}
	sum.bytes, sum.empty = 1, empty
	sum.height++
	return sum, sum.within()
}

func (g *guard) container(inner any, ns string, depth int, kind string) (size, error) {
	g.bounds++
	defer func() { g.bounds-- }()
	s, err := g.measure(inner, ns, depth+1)
	switch {
	case err != nil:
		return size{}, err
	case kind == "array" && s.bytes == 0:
		return size{}, errors.New("an array of items without bytes has no bound")
	case s.empty > maxZeroWidth:
		return size{}, fmt.Errorf("an item of an %s holds more than %d values without bytes", kind, maxZeroWidth)
	}
	out := size{nodes: plus(s.nodes, 1), height: s.height + 1, bytes: 1}
	return out, out.within()
}

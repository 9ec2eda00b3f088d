package avro

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
)

// namespaced is a type that says where its record belongs.
type namespaced interface{ AvroNamespace() string }

// named is a type that says how its record is called.
type named interface{ AvroName() string }

// symbolic is a string type whose values are the symbols of an enum.
type symbolic interface{ AvroSymbols() []string }

// The nodes of a schema, in the order in which their keys are written.
type (
	recordNode struct {
		Type      string      `json:"type"`
		Name      string      `json:"name"`
		Namespace string      `json:"namespace,omitempty"`
		Aliases   []string    `json:"aliases,omitempty"`
		Fields    []fieldNode `json:"fields"`
	}
	fieldNode struct {
		Name    string          `json:"name"`
		Aliases []string        `json:"aliases,omitempty"`
		Type    any             `json:"type"`
		Default json.RawMessage `json:"default,omitempty"`
	}
	enumNode struct {
		Type      string   `json:"type"`
		Name      string   `json:"name"`
		Namespace string   `json:"namespace,omitempty"`
		Aliases   []string `json:"aliases,omitempty"`
		Symbols   []string `json:"symbols"`
		Default   string   `json:"default,omitempty"`
	}
	fixedNode struct {
		Type        string   `json:"type"`
		Name        string   `json:"name"`
		Namespace   string   `json:"namespace,omitempty"`
		Aliases     []string `json:"aliases,omitempty"`
		Size        int      `json:"size"`
		LogicalType string   `json:"logicalType,omitempty"`
	}
	logicalNode struct {
		Type        string `json:"type"`
		LogicalType string `json:"logicalType"`
		Precision   int    `json:"precision,omitempty"`
		Scale       int    `json:"scale,omitempty"`
	}
	arrayNode struct {
		Type  string `json:"type"`
		Items any    `json:"items"`
	}
	mapNode struct {
		Type   string `json:"type"`
		Values any    `json:"values"`
	}
)

// derivation walks a Go type once. It writes the schema that others see, or with goNames
// the same one with the names by which the Avro library finds the fields.
type derivation struct {
	namespace string
	goNames   bool
	renamed   bool                    // some field has another name inside than outside
	defined   map[string]reflect.Type // by full name
	nodes     map[string]*[]string    // aliases of a definition, by full name
}

// derive returns the JSON text of the schema of t, a struct or a pointer to one.
func derive(t reflect.Type, namespace string, goNames bool) (text string, renamed bool, err error) {
	root := structOf(t)
	if root == nil || known(root) {
		return "", false, fmt.Errorf("derive an avro schema from %s: it is not a struct", t)
	}
	d := derivation{
		namespace: namespaceOf(root, namespace), goNames: goNames,
		defined: map[string]reflect.Type{}, nodes: map[string]*[]string{},
	}
	node, err := d.record(root, root.Name())
	if err != nil {
		return "", false, fmt.Errorf("derive an avro schema: %w", err)
	}
	data, err := json.Marshal(node)
	return string(data), d.renamed, err
}

func namespaceOf(t reflect.Type, otherwise string) string {
	if n, ok := reflect.TypeAssert[namespaced](reflect.New(t)); ok {
		return n.AvroNamespace()
	}
	return otherwise
}

func nameOf(t reflect.Type, path string) (string, error) {
	name := t.Name()
	if n, ok := reflect.TypeAssert[named](reflect.New(t)); ok {
		name = n.AvroName()
	}
	if name == "" {
		return "", fmt.Errorf("%s: a struct without a name has no schema: declare a type", path)
	}
	if !avroName.MatchString(name) {
		return "", fmt.Errorf("%s: %q is no Avro name: give the type a method AvroName() string", path, name)
	}
	return name, nil
}

func fullName(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "." + name
}

// define reports whether t is to be written here; otherwise a reference to full will do.
func (d *derivation) define(full string, t reflect.Type, path string) (bool, error) {
	other, ok := d.defined[full]
	if ok && other != t {
		return false, fmt.Errorf("%s: %s and %s are both called %s: give one a method AvroName() or AvroNamespace()", path, other, t, full)
	}
	d.defined[full] = t
	return !ok, nil
}

func (d *derivation) record(t reflect.Type, path string) (any, error) {
	name, err := nameOf(t, path)
	if err != nil {
		return nil, err
	}
	namespace := namespaceOf(t, d.namespace)
	full := fullName(namespace, name)
	if fresh, err := d.define(full, t, path); err != nil || !fresh {
		return full, err
	}
	node := &recordNode{Type: "record", Name: name, Namespace: namespace, Fields: []fieldNode{}}
	d.nodes[full] = &node.Aliases
	fields, err := fieldsOf(t, path)
	if err != nil {
		return nil, err
	}
	return node, d.fill(node, fields, path)
}

func (d *derivation) fill(node *recordNode, fields []field, path string) error {
	if err := distinct(fields, path); err != nil {
		return err
	}
	for _, f := range fields {
		n, err := d.field(f, path+"."+f.Name)
		if err != nil {
			return err
		}
		node.Fields = append(node.Fields, n)
	}
	return nil
}

// distinct refuses names that would stand for two fields, outside or inside.
func distinct(fields []field, path string) error {
	owner := map[string]string{}
	for _, f := range fields {
		public, internal := f.public(f.StructField), f.internal(f.StructField)
		if !avroName.MatchString(public) {
			return fmt.Errorf("%s.%s: %q is no Avro name: add an avro tag with letters, digits and underscores", path, f.Name, public)
		}
		for _, name := range slices.Compact([]string{public, internal}) {
			if other, taken := owner[name]; taken {
				return fmt.Errorf("%s.%s: the name %q is that of %s too: add an avro tag to both", path, f.Name, name, other)
			}
			owner[name] = f.Name
		}
	}
	return nil
}

func (d *derivation) field(f field, path string) (fieldNode, error) {
	schema, err := d.typ(f.Type, f.tag, path)
	if err != nil {
		return fieldNode{}, err
	}
	if err := d.aliasTypes(schema, f.typeAliases, path); err != nil {
		return fieldNode{}, err
	}
	n := fieldNode{Name: f.public(f.StructField), Aliases: f.aliases, Type: schema}
	if internal := f.internal(f.StructField); internal != n.Name {
		d.renamed = true
		if d.goNames {
			n.Aliases = append(slices.Clone(n.Aliases), n.Name)
			n.Name = internal
		}
	}
	n.Default, err = defaultOf(f, schema)
	if err != nil {
		return fieldNode{}, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	ratType      = reflect.TypeFor[big.Rat]()
)

// known reports types that are values in Avro although Go has them as structs.
func known(t reflect.Type) bool {
	return t == timeType || t == durationType || t == ratType
}

func (d *derivation) typ(t reflect.Type, g tag, path string) (any, error) {
	switch {
	case strings.Count(path, "[]")+strings.Count(path, "*") > 32:
		return nil, fmt.Errorf("%s: %s holds itself without a struct between", path, t)
	case t.Kind() == reflect.Pointer:
		return d.nullable(t, g, path)
	case t == reflect.TypeFor[json.Number]():
		return nil, fmt.Errorf("%s: json.Number may be whole or not: use a Go number", path)
	case known(t):
		return knownType(t, g, path)
	case g.logical != "":
		return d.tagged(t, g, path)
	}
	if node, err := textType(t, path); node != nil || err != nil {
		return node, err
	}
	return d.kind(t, path)
}

func (d *derivation) nullable(t reflect.Type, g tag, path string) (any, error) {
	if t.Elem().Kind() == reflect.Pointer {
		return nil, fmt.Errorf("%s: %s is a pointer to a pointer: one says null already", path, t)
	}
	inner, err := d.typ(t.Elem(), g, path+"*")
	if err != nil {
		return nil, err
	}
	return []any{"null", inner}, nil
}

func (d *derivation) kind(t reflect.Type, path string) (any, error) {
	if p := primitive(t.Kind()); p != "" {
		if s, ok := reflect.TypeAssert[symbolic](reflect.New(t)); ok && p == "string" {
			return d.enum(t, s.AvroSymbols(), path)
		}
		return p, nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return d.list(t, path)
	case reflect.Map:
		return d.mapping(t, path)
	case reflect.Struct:
		return d.record(t, path)
	default:
	}
	return nil, fmt.Errorf("%s: Avro has no counterpart of the Go type %s", path, t)
}

func primitive(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "boolean"
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint8, reflect.Uint16:
		return "int"
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return "long"
	case reflect.Float32:
		return "float"
	case reflect.Float64:
		return "double"
	case reflect.String:
		return "string"
	default:
	}
	return ""
}

func (d *derivation) list(t reflect.Type, path string) (any, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		if t.Kind() == reflect.Slice {
			return "bytes", nil
		}
		return d.fixed(t, orElse(t.Name(), fmt.Sprintf("fixed_%d", t.Len())), "", path)
	}
	items, err := d.typ(t.Elem(), tag{}, path+"[]")
	if err != nil {
		return nil, err
	}
	return arrayNode{Type: "array", Items: items}, nil
}

func orElse(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func (d *derivation) mapping(t reflect.Type, path string) (any, error) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%s: the keys of an Avro map are strings, not %s", path, t.Key())
	}
	values, err := d.typ(t.Elem(), tag{}, path+"[]")
	if err != nil {
		return nil, err
	}
	return mapNode{Type: "map", Values: values}, nil
}

func (d *derivation) enum(t reflect.Type, symbols []string, path string) (any, error) {
	name, err := nameOf(t, path)
	if err != nil {
		return nil, err
	}
	namespace := namespaceOf(t, d.namespace)
	full := fullName(namespace, name)
	if fresh, err := d.define(full, t, path); err != nil || !fresh {
		return full, err
	}
	node := &enumNode{Type: "enum", Name: name, Namespace: namespace, Symbols: symbols}
	if slices.Contains(symbols, "UNKNOWN") {
		node.Default = "UNKNOWN"
	}
	d.nodes[full] = &node.Aliases
	return node, nil
}

func (d *derivation) fixed(t reflect.Type, name, logical, path string) (any, error) {
	namespace := namespaceOf(t, d.namespace)
	full := fullName(namespace, name)
	if fresh, err := d.define(full, t, path); err != nil || !fresh {
		return full, err
	}
	node := &fixedNode{Type: "fixed", Name: name, Namespace: namespace, Size: t.Len(), LogicalType: logical}
	d.nodes[full] = &node.Aliases
	return node, nil
}

// aliasTypes adds a field's type-alias to the record, enum or fixed that it holds.
func (d *derivation) aliasTypes(schema any, aliases []string, path string) error {
	if len(aliases) == 0 {
		return nil
	}
	list := d.aliasesOf(schema)
	if list == nil {
		return fmt.Errorf("%s: type-alias wants a record, an enum or a fixed", path)
	}
	for _, a := range aliases {
		if !slices.Contains(*list, a) {
			*list = append(*list, a)
		}
	}
	return nil
}

func (d *derivation) aliasesOf(schema any) *[]string {
	switch s := schema.(type) {
	case *recordNode:
		return &s.Aliases
	case *enumNode:
		return &s.Aliases
	case *fixedNode:
		return &s.Aliases
	case arrayNode:
		return d.aliasesOf(s.Items)
	case mapNode:
		return d.aliasesOf(s.Values)
	case []any:
		return d.aliasesOf(s[1])
	case string:
		return d.nodes[s]
	}
	return nil
}

package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// defaultOf is the default of a field as JSON: what its tag says, null for pointers, none
// for the rest.
func defaultOf(f field, schema any) (json.RawMessage, error) {
	_, nullable := schema.([]any)
	switch {
	case nullable && (f.def == nil || *f.def == "null"):
		return json.RawMessage("null"), nil
	case nullable:
		return nil, errors.New("a pointer's default is null; peers before Avro 1.12 refuse any other: use a value with a default")
	case f.def == nil:
		return nil, nil
	}
	if err := fits(f.Type, *f.def); err != nil {
		return nil, err
	}
	return literal(schema, *f.def)
}

// literal writes text as JSON; the default of a string or an enum needs no quotes.
func literal(schema any, text string) (json.RawMessage, error) {
	if json.Valid([]byte(text)) && (!textual(schema) || text[0] == '"') {
		return json.RawMessage(text), nil
	}
	return json.Marshal(text)
}

func textual(schema any) bool {
	switch s := schema.(type) {
	case string:
		return s == "string" || s == "bytes"
	case logicalNode:
		return s.Type == "string" || s.Type == "bytes"
	case *enumNode, *fixedNode:
		return true
	}
	return false
}

// fits refuses a default that the Go type of the field cannot hold.
func fits(t reflect.Type, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil //nolint:nilerr // not a whole number: the schema parser judges it
	}
	v := reflect.New(t).Elem()
	if (v.CanInt() && v.OverflowInt(n)) || (v.CanUint() && (n < 0 || v.OverflowUint(uint64(n)))) {
		return fmt.Errorf("the default %s does not fit into %s", text, t)
	}
	return nil
}

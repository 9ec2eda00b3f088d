package avro

import (
	"encoding"
	"fmt"
	"reflect"
)

var (
	textAppender    = reflect.TypeFor[encoding.TextAppender]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// knownType is the schema of time.Time, time.Duration and big.Rat.
func knownType(t reflect.Type, g tag, path string) (any, error) {
	if t == ratType {
		if g.logical != "decimal" {
			return nil, fmt.Errorf("%s: big.Rat wants a tag such as avro:\",decimal(10,2)\"", path)
		}
		return logicalNode{Type: "bytes", LogicalType: "decimal", Precision: g.precision, Scale: g.scale}, nil
	}
	logical := g.logical
	if logical == "" {
		logical = map[reflect.Type]string{timeType: "timestamp-millis", durationType: "time-micros"}[t]
	}
	span := logical == "time-millis" || logical == "time-micros"
	if baseOf(logical) == "" || (t == durationType && !span) {
		return nil, fmt.Errorf("%s: %s cannot be a %s", path, t, logical)
	}
	return logicalNode{Type: baseOf(logical), LogicalType: logical}, nil
}

// baseOf is the Avro type under a logical type of time, "" for others.
func baseOf(logical string) string {
	switch logical {
	case "date", "time-millis":
		return "int"
	case "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
		"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
		return "long"
	}
	return ""
}

// tagged is the schema of a plain Go type whose tag names a logical type.
func (d *derivation) tagged(t reflect.Type, g tag, path string) (any, error) {
	base := baseOf(g.logical)
	switch {
	case base != "" && primitive(t.Kind()) == base:
		return logicalNode{Type: base, LogicalType: g.logical}, nil
	case g.logical == "uuid" && isBytes(t, 16):
		return d.fixed(t, "uuid", "uuid", path)
	case g.logical == "duration" && isBytes(t, 12):
		return d.fixed(t, "duration", "duration", path)
	case g.logical == "uuid" && (t.Kind() == reflect.String || (marshalsText(t) && unmarshalsText(t))):
		return logicalNode{Type: "string", LogicalType: "uuid"}, nil
	}
	return nil, fmt.Errorf("%s: %s cannot be a %s", path, t, g.logical)
}

func isBytes(t reflect.Type, n int) bool {
	return t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == n
}

func marshalsText(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(textMarshaler) || p.Implements(textAppender)
}

func unmarshalsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshaler) }

// textType is string for types that read and write themselves as text, nil for others.
func textType(t reflect.Type, path string) (any, error) {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[symbolic]()) {
		return nil, nil
	}
	in, out := unmarshalsText(t), marshalsText(t)
	self := t.Kind() == reflect.String || (t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8)
	switch {
	case !in && !out:
		return nil, nil
	case self || (in && out):
		return "string", nil
	}
	return nil, fmt.Errorf("%s: %s has only one of MarshalText and UnmarshalText: add the other", path, t)
}

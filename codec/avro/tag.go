package avro

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// tag is what the struct tags of one field say.
type tag struct {
	name        string // from the avro tag, "" when it gives none
	jsonName    string // from the json tag, "" when it gives none
	skip        bool
	inline      bool
	aliases     []string
	typeAliases []string
	logical     string
	precision   int
	scale       int
	def         *string
}

var (
	avroName      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	avroNamespace = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
)

// parseTag reads the avro tag, and the json tag for the name alone.
func parseTag(f reflect.StructField) (tag, error) {
	text, tagged := f.Tag.Lookup("avro")
	t := tag{skip: text == "-", jsonName: jsonName(f, tagged)}
	if t.jsonName == "-" {
		t.skip, t.jsonName = true, ""
	}
	if t.skip {
		return t, nil
	}
	parts := splitTag(text)
	t.name = parts[0]
	for _, option := range parts[1:] {
		if err := t.option(option); err != nil {
			return t, err
		}
	}
	return t, nil
}

// jsonName is the name in the json tag; "-" leaves a field out unless an avro tag is there.
func jsonName(f reflect.StructField, tagged bool) string {
	text, ok := f.Tag.Lookup("json")
	name, _, _ := strings.Cut(text, ",")
	if !ok || (tagged && name == "-") {
		return ""
	}
	if name == "-" && text != "-" {
		return ""
	}
	return strings.Trim(name, "'")
}

// splitTag cuts at commas outside of brackets; default= takes the rest of the tag.
func splitTag(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
			if strings.HasPrefix(text[start:], "default=") {
				return append(parts, text[start:])
			}
		}
	}
	return append(parts, text[start:])
}

func (t *tag) option(option string) error {
	key, value, _ := strings.Cut(option, "=")
	switch key {
	case "omitzero":
	case "inline":
		t.inline = true
	case "alias":
		t.aliases = append(t.aliases, listed(value)...)
	case "type-alias":
		t.typeAliases = append(t.typeAliases, listed(value)...)
	case "default":
		t.def = &value
	default:
		return t.logicalOption(option)
	}
	return nil
}

func (t *tag) logicalOption(option string) error {
	switch option {
	case "uuid", "duration", "date", "time-millis", "time-micros",
		"timestamp-millis", "timestamp-micros", "timestamp-nanos",
		"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
		t.logical = option
		return nil
	}
	var rest string
	n, _ := fmt.Sscanf(option, "decimal(%d,%d)%s", &t.precision, &t.scale, &rest)
	if n != 2 || !strings.HasSuffix(option, ")") {
		return fmt.Errorf("avro tag option %q is unknown", option)
	}
	t.logical = "decimal"
	return nil
}

func listed(value string) []string {
	return strings.Split(strings.Trim(value, "[]"), ",")
}

// public is the field's name in the schema that others see.
func (t *tag) public(f reflect.StructField) string {
	if t.name == "" && t.jsonName != "" {
		return t.jsonName
	}
	return t.internal(f)
}

// internal is the name by which the Avro library finds the field.
func (t *tag) internal(f reflect.StructField) string {
	if t.name != "" {
		return t.name
	}
	return f.Name
}

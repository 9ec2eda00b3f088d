package settings

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// raw is a value as a source holds it: a text, or a list of texts.
type raw struct {
	text   string
	list   []string
	isList bool
	nested bool // a list that holds more than texts
	millis bool // given by the spelling <key>_ms
}

// decodeError says what is wrong with a value, and what would be right.
type decodeError struct{ problem, remedy string }

func (e *decodeError) Error() string { return e.problem + " (" + e.remedy + ")" }

// decode gives a value of the setting's type.
func decode(s Setting, r raw) (reflect.Value, error) {
	v := reflect.New(elem(s.goType)).Elem()
	if err := decodeInto(v, s, r); err != nil {
		return reflect.Value{}, err
	}
	if s.goType.Kind() == reflect.Pointer {
		return v.Addr(), nil
	}
	return v, nil
}

func decodeInto(v reflect.Value, s Setting, r raw) error {
	if v.Kind() == reflect.Slice && !isText(v.Type()) {
		return decodeList(v, s, r)
	}
	if r.isList || r.nested {
		return &decodeError{"is a list", "give one " + s.Type}
	}
	return decodeText(v, s, r)
}

func decodeList(v reflect.Value, s Setting, r raw) error {
	items, err := listItems(r)
	if err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decodeText(v.Index(i), s, raw{text: item, millis: r.millis}); err != nil {
			return err
		}
	}
	return nil
}

// listItems splits a text by comma, and reads a JSON list of texts, which some tools put
// into environments. No item may be empty.
func listItems(r raw) ([]string, error) {
	items := r.list
	if !r.isList {
		items = splitList(r.text)
	}
	if r.nested {
		return nil, &decodeError{"holds more than a list of texts", "give plain entries"}
	}
	for i, item := range items {
		if items[i] = strings.TrimSpace(item); items[i] == "" {
			return nil, &decodeError{fmt.Sprintf("has an empty entry at position %d", i+1), "remove it"}
		}
	}
	return items, nil
}

func splitList(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" || text == "[]" {
		return []string{}
	}
	var items []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &items) == nil {
		return items
	}
	return strings.Split(text, ",")
}

func decodeText(v reflect.Value, s Setting, r raw) error {
	text := strings.TrimSpace(r.text)
	switch {
	case v.Type() == durationType:
		return decodeDuration(v, s, raw{text: text, millis: r.millis})
	case v.Type() == sizeType:
		return decodeSize(v, s, text)
	case isText(v.Type()):
		return decodeOwn(v, s, r.text)
	case v.Kind() == reflect.String:
		v.SetString(fold(s.Enum, r.text))
		return nil
	case v.Kind() == reflect.Bool:
		return decodeBool(v, s, text)
	}
	return decodeNumber(v, s, text)
}

func decodeDuration(v reflect.Value, s Setting, r raw) error {
	parse, remedy := parseDuration, "write a number with its unit, such as 500ms, 30s, 5m or 7d"
	if r.millis {
		parse, remedy = parseMillis, "write 30000 for 30 seconds"
	}
	d, err := parse(r.text)
	if err != nil {
		return &decodeError{quote(s, r.text) + " " + err.Error(), withoutUnit(s, r, remedy)}
	}
	v.SetInt(int64(d))
	return nil
}

// withoutUnit gives both ways to write a bare number, which could mean either.
func withoutUnit(s Setting, r raw, remedy string) string {
	if _, err := strconv.ParseUint(r.text, 10, 32); err != nil || r.millis {
		return remedy
	}
	return fmt.Sprintf("write %sms or %ss, or give milliseconds as %s_ms", r.text, r.text, s.Key)
}

func decodeSize(v reflect.Value, s Setting, text string) error {
	n, err := parseSize(text)
	if err != nil {
		return &decodeError{quote(s, text) + " " + err.Error(), "write bytes or a unit, such as 16384, 16KiB or 1MiB"}
	}
	v.SetInt(int64(n))
	return nil
}

func decodeOwn(v reflect.Value, s Setting, text string) error {
	into, _ := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	err := into.UnmarshalText([]byte(text))
	if err == nil {
		return nil
	}
	if s.Secret {
		return &decodeError{"cannot be read", "correct it"}
	}
	return &decodeError{"cannot be read: " + redact(err.Error()), "correct it"}
}

func decodeBool(v reflect.Value, s Setting, text string) error {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		v.SetBool(true)
	case "false", "0", "no", "off":
		v.SetBool(false)
	default:
		return &decodeError{quote(s, text) + " is neither true nor false", "write true or false"}
	}
	return nil
}

func decodeNumber(v reflect.Value, s Setting, text string) error {
	var err error
	switch {
	case v.CanInt():
		err = setInt(v, text)
	case v.CanUint():
		err = setUint(v, text)
	case v.CanFloat():
		err = setFloat(v, text)
	default:
		return &decodeError{fmt.Sprintf("has the type %s, which settings cannot hold", v.Type()), "choose another type, or leave it out with koanf:\"-\""}
	}
	if err == nil {
		return nil
	}
	return &decodeError{quote(s, text) + numberProblem(err, v), "write a number"}
}

func numberProblem(err error, v reflect.Value) string {
	if errors.Is(err, strconv.ErrRange) {
		return " is out of range"
	}
	if v.CanFloat() {
		return " is no number"
	}
	return " is no whole number"
}

func setInt(v reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, v.Type().Bits())
	v.SetInt(n)
	return err
}

func setUint(v reflect.Value, text string) error {
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	v.SetUint(n)
	return err
}

func setFloat(v reflect.Value, text string) error {
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	v.SetFloat(n)
	return err
}

// fold gives the spelling of the enumeration for a text that differs from it in case alone.
func fold(enum []string, text string) string {
	for _, value := range enum {
		if strings.EqualFold(value, strings.TrimSpace(text)) {
			return value
		}
	}
	return text
}

const longestQuote = 80

// quote shows a text in a fault. Texts of secrets are never shown.
func quote(s Setting, text string) string {
	if s.Secret {
		return "the value"
	}
	text = redact(File(text).String())
	if len(text) > longestQuote {
		text = strings.ToValidUTF8(text[:longestQuote], "") + "…"
	}
	return strconv.Quote(text)
}

// show is the text by which a value is listed.
func show(s Setting, v reflect.Value) string {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return ""
	}
	v = reflect.Indirect(v)
	if v.Kind() == reflect.Slice && !isText(v.Type()) {
		return showList(s, v)
	}
	if s.Secret {
		return showSecret(v)
	}
	return showOne(v)
}

func showList(s Setting, v reflect.Value) string {
	items := make([]string, v.Len())
	for i := range items {
		items[i] = show(s, v.Index(i))
	}
	return strings.Join(items, ",")
}

func showSecret(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return masked
}

func showOne(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return showDuration(x)
	case encoding.TextMarshaler:
		text, _ := x.MarshalText()
		return string(text)
	}
	return userinfo.ReplaceAllString(fmt.Sprint(v.Interface()), "${1}"+masked+"@")
}

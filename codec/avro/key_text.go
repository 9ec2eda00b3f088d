package avro

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/avro"
)

// maxKeyText bounds the text of a key: a symbol of one byte may have a name of many.
const maxKeyText = 1 << 20

var errKeyText = fmt.Errorf("as text it has more than %d bytes", maxKeyText)

// textOfKey is a key that was read as it was written, as text.
func textOfKey(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	if text, _, ok := scalar(v); ok {
		if len(text) > maxKeyText {
			return "", errKeyText
		}
		return text, nil
	}
	b, err := appendJSON(nil, v)
	return string(b), err
}

// scalar is the text of a value without parts, and whether JSON has it as a string.
func scalar(v any) (text string, quoted, ok bool) {
	switch v := v.(type) {
	case nil:
		return "null", false, true
	case bool:
		return strconv.FormatBool(v), false, true
	case int32:
		return strconv.FormatInt(int64(v), 10), false, true
	case int64:
		return strconv.FormatInt(v, 10), false, true
	case float32:
		return floatText(float64(v), 32)
	case float64:
		return floatText(v, 64)
	}
	text, ok = words(v)
	return text, true, ok
}

func floatText(v float64, bits int) (text string, quoted, ok bool) {
	switch {
	case math.IsNaN(v):
		return "NaN", true, true
	case math.IsInf(v, 1):
		return "Infinity", true, true
	case math.IsInf(v, -1):
		return "-Infinity", true, true
	}
	return strconv.FormatFloat(v, 'g', -1, bits), false, true
}

// words is the text of a value that JSON has as a string.
func words(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return base64.StdEncoding.EncodeToString(v), true
	case time.Time:
		return v.Format(time.RFC3339Nano), true
	case time.Duration:
		return v.String(), true
	case *big.Rat:
		digits, _ := v.FloatPrec()
		return v.FloatString(digits), true
	case [16]byte:
		return schemaKey{kind: byGUID, high: binary.BigEndian.Uint64(v[:]), low: binary.BigEndian.Uint64(v[8:])}.String(), true
	case avro.Duration:
		return v.String(), true
	}
	return "", false
}

// appendJSON writes a value as the only JSON text that it has.
func appendJSON(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		b, err = appendObject(b, v)
	case []any:
		b, err = appendList(b, v)
	default:
		b, err = appendScalar(b, v)
	}
	if err == nil && len(b) > maxKeyText {
		err = errKeyText
	}
	return b, err
}

func appendScalar(b []byte, v any) ([]byte, error) {
	text, quoted, ok := scalar(v)
	switch {
	case !ok:
		return b, fmt.Errorf("a %T has no text", v)
	case !quoted:
		return append(b, text...), nil
	}
	return jsontext.AppendQuote(b, text)
}

func appendObject(b []byte, v map[string]any) (_ []byte, err error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = jsontext.AppendQuote(b, name); err != nil {
			return b, err
		}
		if b, err = appendJSON(append(b, ':'), v[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendList(b []byte, v []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, item := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, item); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

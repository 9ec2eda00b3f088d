package avro_test

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// FuzzPayload decodes any body under a known schema, into a struct and into a map. What
// decodes goes out again and comes back the same.
func FuzzPayload(f *testing.F) {
	c := newCodec(f, avro.Config{})
	data := encode(f, c, full())
	f.Add(data[10:])
	f.Add(encode(f, c, Everything{Colour: "RED"})[10:])
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	frame := data[:10]
	f.Fuzz(func(t *testing.T, body []byte) {
		message := slices.Concat(frame, body)
		var m map[string]any
		_ = c.Decode(t.Context(), message, nil, &m)
		var v Everything
		if err := c.Decode(t.Context(), message, nil, &v); err != nil {
			if isUnavailable(err) {
				t.Errorf("the bytes are at fault: %v", err)
			}
			return
		}
		again, _, err := c.Encode(t.Context(), nil, subject[Everything]("fuzz"), v)
		if err != nil {
			return // a date beyond what Go's types hold
		}
		var w Everything
		if err := c.Decode(t.Context(), again, nil, &w); err != nil {
			t.Errorf("%x decodes, but not after encoding: %v", body, err)
		}
	})
}

// FuzzResolved decodes any body of a writer whose schema differs from the reader's.
func FuzzResolved(f *testing.F) {
	c := newCodec(f, avro.Config{})
	data := encode(f, c, ada)
	f.Add(data[10:])
	f.Add([]byte{})
	frame := data[:10]
	f.Fuzz(func(t *testing.T, body []byte) {
		var v userV2
		if err := c.Decode(t.Context(), slices.Concat(frame, body), nil, &v); err == nil && !utf8.ValidString(v.UserID+v.Name) {
			t.Errorf("%q %q is not UTF-8", v.UserID, v.Name)
		}
	})
}

// FuzzFraming decodes any message with any header: an error or a value, never a panic.
func FuzzFraming(f *testing.F) {
	registry := newFake(f)
	c := withRegistry(f, registry)
	f.Add(encode(f, c, ada), []byte(nil))
	for _, seed := range []string{adaSingle, "", "00", "7b7d", "c301", "0000000002", adaBody} {
		data, _ := hex.DecodeString(seed)
		f.Add(data, append([]byte{1}, make([]byte, 16)...))
	}
	f.Fuzz(func(t *testing.T, data, header []byte) {
		var h codec.Headers
		if header != nil {
			h = headers{"__value_schema_id": header}
		}
		var v UserCreated
		if err := c.Decode(t.Context(), data, h, &v); err != nil && v != (UserCreated{}) {
			t.Errorf("%v is left after: %v", v, err)
		}
	})
}

// FuzzSchema reads and writes with any schema.
func FuzzSchema(f *testing.F) {
	for _, text := range []string{
		`"int"`, `{"type":"array","items":["null","string"]}`, clockSchema(`"long"`),
		`{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`,
		`{"type":"fixed","name":"F","size":3}`, `{"type":"map","values":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}`,
	} {
		f.Add(text, []byte{0, 1, 2})
	}
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		c := newCodec(t, avro.Config{URLs: []string{"http://registry"}, HTTPClient: &http.Client{
			Transport: scripted{"/schemas/ids/1": schemaAnswer(text)},
		}})
		message := append([]byte{0, 0, 0, 0, 1}, body...)
		var m any
		_ = c.Decode(t.Context(), message, nil, &m)
		var v UserCreated
		_ = c.Decode(t.Context(), message, nil, &v)
		_, _, _ = newCodec(t, avro.Config{}).EncodeWith(t.Context(), nil, "fuzz", text, map[string]any{})
	})
}

// FuzzRegistryAnswer has the registry say anything.
func FuzzRegistryAnswer(f *testing.F) {
	f.Add(200, `{"schema":"\"int\""}`)
	f.Add(200, `{"schema":"\"int\"","references":[{"name":"a","subject":"a","version":1}]}`)
	f.Add(200, `{}`)
	f.Add(404, `{"error_code":40403}`)
	f.Add(307, ``)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		c := newCodec(t, avro.Config{URLs: []string{"http://registry"}, HTTPClient: &http.Client{
			Transport: transport(func(*http.Request) (*http.Response, error) {
				rec := httptest.NewRecorder()
				rec.WriteHeader(status)
				_, _ = rec.WriteString(body)
				return rec.Result(), nil
			}),
		}})
		var v any
		err := c.Decode(t.Context(), []byte("\x00\x00\x00\x00\x01\x02"), nil, &v)
		if status >= 300 && !isUnavailable(err) {
			t.Errorf("%d: the registry is at fault: %v", status, err)
		}
		_, _, _ = c.Encode(t.Context(), nil, subject[UserCreated]("fuzz"), ada)
	})
}

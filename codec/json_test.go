package codec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
)

type order struct {
	ID    string            `json:"id"`
	Count int               `json:"count"`
	Notes map[string]string `json:"notes,omitempty"`
}

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	want := order{"o1", 3, map[string]string{"a": "ü"}}
	data, headers, err := codec.JSON.Encode(t.Context(), []byte("before"), codec.Subject{Topic: "orders"}, want)
	if err != nil || headers != nil {
		t.Fatalf("headers %v, error %v", headers, err)
	}
	text, ok := strings.CutPrefix(string(data), "before")
	if !ok || text != `{"id":"o1","count":3,"notes":{"a":"ü"}}` {
		t.Fatalf("got %s", data)
	}
	var got order
	if err := codec.JSON.Decode(t.Context(), []byte(text), nil, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if codec.JSON.ContentType() != "application/json" {
		t.Errorf("content type %s", codec.JSON.ContentType())
	}
}

func TestJSONIntoAMap(t *testing.T) {
	t.Parallel()
	var got map[string]any
	if err := codec.JSON.Decode(t.Context(), []byte(`{"id":"o1","more":[1]}`), nil, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"id": "o1", "more": []any{1.0}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJSONIsStrictAboutTextAndLenientAboutFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		ok   bool
	}{
		"unknown field":    {`{"id":"o1","colour":"red"}`, true},
		"missing field":    {`{}`, true},
		"null":             {`null`, true},
		"field twice":      {`{"id":"a","id":"b"}`, false},
		"not UTF-8":        {"{\"id\":\"\xff\"}", false},
		"another type":     {`{"count":"three"}`, false},
		"cut off":          {`{"id":"o1"`, false},
		"more behind it":   {`{"id":"o1"}{}`, false},
		"empty":            {``, false},
		"another encoding": {"\x00\x00\x00\x00\x01", false},
	} {
		var got order
		err := codec.JSON.Decode(t.Context(), []byte(c.data), nil, &got)
		if c.ok != (err == nil) {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "*codec_test.order") {
			t.Errorf("%s: the error does not name the target: %v", name, err)
		}
	}
}

func TestJSONEncodeErrorNamesTheTopic(t *testing.T) {
	t.Parallel()
	for _, v := range []any{func() {}, map[string]any{"c": make(chan int)}, "\xff"} {
		dst := []byte("kept")
		got, _, err := codec.JSON.Encode(t.Context(), dst, codec.Subject{Topic: "orders"}, v)
		if err == nil || !strings.Contains(err.Error(), "orders") || string(got) != "kept" {
			t.Errorf("%T: got %q, %v", v, got, err)
		}
	}
}

// FuzzJSON decodes any bytes. What decodes goes out again and comes back the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"id":"o1","count":3,"notes":{"a":"b"}}`))
	f.Add([]byte(`null`))
	f.Add([]byte("{\"id\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second order
		if err := codec.JSON.Decode(t.Context(), data, nil, &first); err != nil {
			return
		}
		out, _, err := codec.JSON.Encode(t.Context(), nil, codec.Subject{Topic: "fuzz"}, first)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.JSON.Decode(t.Context(), out, nil, &second); err != nil {
			t.Fatal(err)
		}
		if first.ID != second.ID || first.Count != second.Count || len(first.Notes) != len(second.Notes) {
			t.Errorf("%q became %v, then %v", data, first, second)
		}
	})
}

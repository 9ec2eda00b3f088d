package codec_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leat-go/leat/codec"
)

func TestRawPassesBytesThrough(t *testing.T) {
	t.Parallel()
	data, headers, err := codec.Raw.Encode(t.Context(), []byte("a"), codec.Subject{Topic: "blobs"}, []byte("\x00\xff"))
	if err != nil || headers != nil || string(data) != "a\x00\xff" {
		t.Fatalf("got %q, %v, %v", data, headers, err)
	}
	var got []byte
	if err := codec.Raw.Decode(t.Context(), data, nil, &got); err != nil || string(got) != "a\x00\xff" {
		t.Fatalf("got %q, %v", got, err)
	}
	clear(data)
	if string(got) != "a\x00\xff" {
		t.Error("the value shares memory with the message")
	}
	if codec.Raw.ContentType() != "application/octet-stream" {
		t.Errorf("content type %s", codec.Raw.ContentType())
	}
}

func TestRawTakesNothingElse(t *testing.T) {
	t.Parallel()
	if _, _, err := codec.Raw.Encode(t.Context(), nil, codec.Subject{Topic: "blobs"}, "text"); err == nil || !strings.Contains(err.Error(), "blobs") {
		t.Errorf("encode: %v", err)
	}
	if err := codec.Raw.Decode(t.Context(), []byte("x"), nil, new(string)); err == nil {
		t.Error("decoded into a string")
	}
	c, ok := codec.Raw.(codec.Checker)
	if !ok {
		t.Fatal("raw does not check its subjects")
	}
	if err := c.Check(codec.Subject{Topic: "blobs", Type: reflect.TypeFor[order]()}); err == nil || !strings.Contains(err.Error(), "blobs") {
		t.Errorf("check: %v", err)
	}
	for _, s := range []codec.Subject{{Topic: "blobs"}, {Topic: "blobs", Type: reflect.TypeFor[[]byte]()}} {
		if err := c.Check(s); err != nil {
			t.Errorf("check %v: %v", s.Type, err)
		}
	}
}

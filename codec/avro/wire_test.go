package avro_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

type UserCreated struct {
	UserID    string    `avro:"user_id"`
	Email     string    `avro:"email"`
	CreatedAt time.Time `avro:"created_at"`
}

var ada = UserCreated{"u1", "ada@example.org", time.UnixMilli(1700000000123).UTC()}

// The bytes on the wire never change.
const (
	adaBody      = "047531" + "1e" + "616461406578616d706c652e6f7267" + "f6a1abfef962"
	adaConfluent = "00" + "00000001" + adaBody
	adaSingle    = "c301" + "2e394cd9351678fd" + adaBody
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]*avro.Codec{
		adaConfluent: withRegistry(t, newFake(t)),
		adaSingle:    newCodec(t, avro.Config{}),
	} {
		if diff := cmp.Diff(want, hex.EncodeToString(encode(t, c, ada))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(ada, mustDecode[UserCreated](t, c, unhex(t, want))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestEncodeAppends(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	got, _, err := c.Encode(t.Context(), []byte("before"), subject[UserCreated]("users"), &ada)
	if err != nil || "before"+string(unhex(t, adaSingle)) != string(got) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRoundTripOfEverything(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := mustDecode[Everything](t, c, encode(t, c, full()))
			if diff := cmp.Diff(full(), got, cmpopts.EquateEmpty(), cmp.Comparer(sameRat)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sameRat(a, b big.Rat) bool { return a.Cmp(&b) == 0 }

func TestTargets(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	data := encode(t, c, ada)
	if got := mustDecode[*UserCreated](t, c, data); *got != ada {
		t.Errorf("a pointer: %v", got)
	}
	if got := mustDecode[**UserCreated](t, c, data); **got != ada {
		t.Errorf("a pointer to a pointer: %v", got)
	}
	want := map[string]any{"user_id": ada.UserID, "email": ada.Email, "created_at": ada.CreatedAt}
	if diff := cmp.Diff(want, mustDecode[map[string]any](t, c, data)); diff != "" {
		t.Errorf("a map: %s", diff)
	}
	if diff := cmp.Diff(any(want), mustDecode[any](t, c, data)); diff != "" {
		t.Errorf("an any: %s", diff)
	}
	if _, err := decode[int](t, c, data); err == nil {
		t.Error("decoded a record into an int")
	}
	for _, into := range []any{nil, UserCreated{}, (*UserCreated)(nil)} {
		if err := c.Decode(t.Context(), data, nil, into); err == nil {
			t.Errorf("decoded into %T", into)
		}
	}
}

func TestDecodeStartsFreshAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	data := encode(t, c, ada)
	into := map[string]any{"stale": true}
	if err := c.Decode(t.Context(), data, nil, &into); err != nil || into["stale"] != nil {
		t.Errorf("%v, %v", into, err)
	}
	v := ada
	if err := c.Decode(t.Context(), data[:len(data)-1], nil, &v); err == nil || v != (UserCreated{}) {
		t.Errorf("%v, %v", v, err)
	}
}

type Blob struct {
	B []byte `avro:"b"`
	S string `avro:"s"`
}

func TestDecodeKeepsNoPartOfTheData(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	data := encode(t, c, Blob{[]byte("bytes"), "text"})
	got := mustDecode[Blob](t, c, data)
	into := mustDecode[map[string]any](t, c, data)
	clear(data)
	if string(got.B) != "bytes" || got.S != "text" || string(into["b"].([]byte)) != "bytes" || into["s"] != "text" {
		t.Errorf("the data shows through: %q, %q", got, into)
	}
}

func TestWireErrors(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.SeedSchema("json-value", 1, 7, sr.Schema{Schema: `{"type":"object"}`, Type: sr.TypeJSON})
	f.seed("hostile-value", 8, `{"type":"array","items":"null"}`)
	registry, none := withRegistry(t, f), newCodec(t, avro.Config{})
	for _, c := range []*avro.Codec{registry, none} {
		if err := c.Check(subject[UserCreated]("users")); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		codec *avro.Codec
		data  string
		want  string
	}{
		"empty":                          {registry, "", "empty"},
		"1 byte":                         {registry, "00", "1 bytes"},
		"4 bytes":                        {registry, "00000000", "4 bytes"},
		"id 0":                           {registry, "0000000000", "no registry gives out"},
		"id beyond an int":               {registry, "008000000001", "no registry gives out"},
		"bad magic":                      {registry, "0100000001", "0x01"},
		"JSON":                           {registry, hex.EncodeToString([]byte(` {"user_id":"u"}`)), "JSON"},
		"JSON list":                      {none, hex.EncodeToString([]byte(`[1]`)), "JSON"},
		"c3 alone":                       {none, "c3", "1 bytes"},
		"half a single object":           {none, "c30101020304", "6 bytes"},
		"other two bytes":                {none, "c302" + adaSingle[4:], "0xc3"},
		"unknown fingerprint":            {none, "c3010000000000000000" + adaBody, "fingerprint"},
		"unknown fingerprint with one":   {registry, "c3010000000000000000" + adaBody, "fingerprint"},
		"a registry's bytes without one": {none, adaConfluent, "KAFKA_SCHEMA_REGISTRY_URL"},
		"bytes left over":                {none, adaSingle + "00", "left over"},
		"no body":                        {none, adaSingle[:20], "short"},
		"text that is not UTF-8":         {none, adaSingle[:20] + "02ff" + adaBody[6:], "UserID is not UTF-8"},
		"schema that is refused":         {registry, "0000000008" + "00", "refused"},
		"schema that is no Avro":         {registry, "0000000007" + "00", "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode[UserCreated](t, c.codec, unhex(t, c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) || isUnavailable(err) {
				t.Errorf("want a permanent error with %q, got: %v", c.want, err)
			}
		})
	}
}

func TestSingleObjectsOfKnownTypesAreReadBesideARegistry(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	if _, err := decode[map[string]any](t, c, unhex(t, adaSingle)); err == nil {
		t.Error("read a type that nobody made known")
	}
	if err := c.Check(subject[UserCreated]("users")); err != nil {
		t.Fatal(err)
	}
	if got := mustDecode[UserCreated](t, c, unhex(t, adaSingle)); got != ada {
		t.Errorf("got %v", got)
	}
	if got := mustDecode[map[string]any](t, c, unhex(t, adaSingle)); got["user_id"] != "u1" {
		t.Errorf("got %v", got)
	}
}

func TestATypeIsKnownByBeingRead(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	if got := mustDecode[*UserCreated](t, c, unhex(t, adaSingle)); *got != ada {
		t.Errorf("got %v", got)
	}
}

func TestGUIDHeader(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	text, err := avro.SchemaOf[UserCreated]()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.RegisterSchema("users-value", sr.Schema{Schema: text}); err != nil {
		t.Fatal(err)
	}
	kept, _ := f.GetSchema("users-value", 1)
	guid := unhex(t, strings.ReplaceAll(kept.GUID, "-", ""))
	c := withRegistry(t, f)
	for name, tc := range map[string]struct {
		header []byte
		data   string
	}{
		"the body alone":               {append([]byte{1}, guid...), adaBody},
		"too short, so the prefix":     {append([]byte{1}, guid[1:]...), adaConfluent},
		"too long, so the prefix":      {append([]byte{1, 1}, guid...), adaConfluent},
		"another magic, so the prefix": {append([]byte{2}, guid...), adaConfluent},
	} {
		var got UserCreated
		err := c.Decode(t.Context(), unhex(t, tc.data), headers{"__value_schema_id": tc.header}, &got)
		if err != nil || got != ada {
			t.Errorf("%s: got %v, error %v", name, got, err)
		}
	}
}

func TestDecodeErrorCarriesTheSchemaID(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	data := encode(t, c, ada)
	_, err := decode[UserCreated](t, c, data[:len(data)-1])
	var named interface{ LeatSchemaID() string }
	if !errors.As(err, &named) || named.LeatSchemaID() != "1" || !strings.Contains(err.Error(), "schema 1") {
		t.Errorf("got: %v", err)
	}
}

func TestNoPrefixOfAMessageDecodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
		data := encode(t, c, full())
		for n := range data {
			if _, err := decode[Everything](t, c, data[:n]); err == nil || isUnavailable(err) {
				t.Errorf("%s: %d of %d bytes into a struct: %v", name, n, len(data), err)
			}
			if _, err := decode[map[string]any](t, c, data[:n]); err == nil || isUnavailable(err) {
				t.Errorf("%s: %d of %d bytes into a map: %v", name, n, len(data), err)
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for want, v := range map[string]any{
		"carries avro_test.UserCreated": Plain{},
		"UTF-8":                         UserCreated{Email: "\xff"},
		"nil":                           (*UserCreated)(nil),
		"nil has":                       nil,
		"email":                         map[string]any{"user_id": "u"},
	} {
		dst := []byte("kept")
		got, _, err := c.Encode(t.Context(), dst, subject[UserCreated]("users"), v)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "users") || string(got) != "kept" {
			t.Errorf("want an error with %q, got: %v", want, err)
		}
	}
	if _, _, err := c.Encode(t.Context(), nil, subject[map[string]any]("users"), map[string]any{}); err == nil || !strings.Contains(err.Error(), "router.Avro") {
		t.Errorf("a map without a schema: %v", err)
	}
}

func TestMapForAStruct(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	v := map[string]any{"street": "s"}
	data, _, err := c.Encode(t.Context(), nil, subject[Address]("homes"), v)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustDecode[Address](t, c, data); got.Street != "s" || got.Zip != nil {
		t.Errorf("got %v", got)
	}
}

func TestTypeOfTheValueWhereTheSubjectHasNone(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for _, typ := range []reflect.Type{nil, reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[any]()} {
		data, _, err := c.Encode(t.Context(), nil, codec.Subject{Topic: "users", Type: typ}, ada)
		if err != nil || mustDecode[UserCreated](t, c, data) != ada {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

func TestEncodeWith(t *testing.T) {
	t.Parallel()
	text := `{"type":"record","name":"Reading","fields":[{"name":"sensor","type":"string"},{"name":"value","type":"double","default":0}]}`
	type Reading struct {
		Sensor string  `avro:"sensor"`
		Value  float64 `avro:"value"`
	}
	for name, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
		for _, v := range []any{map[string]any{"sensor": "s"}, Reading{"s", 0}, &Reading{"s", 0}} {
			data, _, err := c.EncodeWith(t.Context(), nil, "readings", text, v)
			if err != nil {
				t.Fatalf("%s: %T: %v", name, v, err)
			}
			if got := mustDecode[Reading](t, c, data); got != (Reading{"s", 0}) {
				t.Errorf("%s: %T: got %v", name, v, got)
			}
			if got := mustDecode[map[string]any](t, c, data); got["sensor"] != "s" {
				t.Errorf("%s: %T: got %v", name, v, got)
			}
		}
		for _, bad := range []string{"", "{", `{"type":"banana"}`, `{"type":"array","items":"null"}`} {
			if _, _, err := c.EncodeWith(t.Context(), nil, "readings", bad, map[string]any{}); err == nil || isUnavailable(err) {
				t.Errorf("%s: schema %q: %v", name, bad, err)
			}
		}
	}
}

package avro_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/codec/avro"
	vectors "github.com/leat-go/leat/codec/internal/golden"
)

func givenFor[T any](text string) avro.Config {
	return avro.Config{Schemas: map[reflect.Type]string{reflect.TypeFor[T](): text}}
}

// The derived schema of a type fits the type, and makes the same bytes.
func TestGivenSchemasMakeTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, v := range vectors.Vectors() {
		text, err := json.Marshal(readVector(t, v).Schema)
		if err != nil {
			t.Fatal(err)
		}
		c := newCodec(t, avro.Config{Schemas: map[reflect.Type]string{reflect.TypeOf(v.Value): string(text)}})
		message := encodeTo(t, c, vectorSubject(v), v.Value)
		if want := unhex(t, readVector(t, v).Single); string(message) != string(want) {
			t.Errorf("%s: %x, want %x", v.Name, message, want)
		}
		wantVector(t, c, v, message)
	}
}

func TestGivenSchemaWithJSONNames(t *testing.T) {
	t.Parallel()
	text, err := avro.SchemaOf[Everything]()
	if err != nil {
		t.Fatal(err)
	}
	c := newCodec(t, givenFor[Everything](text))
	got := mustDecode[Everything](t, c, encode(t, c, full()))
	if diff := cmp.Diff(full(), got, cmpopts.EquateEmpty(), cmp.Comparer(sameRat)); diff != "" {
		t.Error(diff)
	}
	if loose := mustDecode[map[string]any](t, c, encode(t, c, full())); loose["user_id"] != "u" {
		t.Errorf("got %v", loose["user_id"])
	}
}

func TestGivenSchemaReachesTheRegistry(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cfg := givenFor[Payment](paymentSchema)
	cfg.URLs, cfg.AutoRegister = []string{f.URL()}, true
	encode(t, newCodec(t, cfg), Payment{IBAN: "CH93", Booked: ada.CreatedAt})
	if kept, ok := f.GetSchema("orders-value", 1); !ok || !strings.Contains(kept.Schema.Schema, "When it was booked.") {
		t.Errorf("registered: %v", kept.Schema)
	}
}

func TestGivenSchemasThatDoNotFit(t *testing.T) {
	t.Parallel()
	type inner struct {
		N int32 `avro:"n"`
	}
	type outer struct {
		Name string           `avro:"name"`
		List []inner          `avro:"list"`
		More map[string]int64 `avro:"more"`
	}
	fit := `{"name":"name","type":"string"},{"name":"list","type":{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"n","type":"int"}]}}},{"name":"more","type":{"type":"map","values":"long"}}`
	text := func(from, to string) string {
		return `{"type":"record","name":"O","fields":[` + strings.Replace(fit, from, to, 1) + `]}`
	}
	newCodec(t, givenFor[outer](text("", "")))
	for want, cfg := range map[string]avro.Config{
		"outer.Name: the schema has int, the Go type is string":                givenFor[outer](text(`"string"`, `"int"`)),
		"outer.Name: the schema has null, string has not: use a pointer":       givenFor[outer](text(`"string"`, `["null","string"]`)),
		"outer.Name: the schema has int|string":                                givenFor[outer](text(`"string"`, `["int","string"]`)),
		"outer.List[].N: the schema has long, the Go type is int32":            givenFor[outer](text(`"type":"int"`, `"type":"long"`)),
		"outer.List[]: the Go type has no field for \"m\"":                     givenFor[outer](text(`{"name":"n","type":"int"}`, `{"name":"n","type":"int"},{"name":"m","type":"int"}`)),
		"outer.List[].N: the schema has no field \"n\": leave it out":          givenFor[outer](text(`"name":"n"`, `"name":"m"`)),
		"outer.More: the schema wants a slice, the Go type is map":             givenFor[outer](text(`{"type":"map","values":"long"}`, `{"type":"array","items":"long"}`)),
		"outer.More[]: the schema has string, the Go type is int64":            givenFor[outer](text(`"values":"long"`, `"values":"string"`)),
		"Payment.Booked: the schema has time-micros, the Go type is time.Time": givenFor[Payment](strings.Replace(paymentSchema, "timestamp-micros", "time-micros", 1)),
		"want a struct": givenFor[int](`"int"`),
		"parse schema":  givenFor[Payment](`{"type":"record","name":"O","fields":[{"name":"a","type":"int","default":"x"}]}`),
	} {
		if _, err := avro.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}

func TestOpenAndFrame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
		message := encode(t, c, ada)
		frame, schema, err := c.Frame(t.Context(), subject[UserCreated]("orders"), ada)
		if err != nil || !strings.HasPrefix(string(message), string(frame)) {
			t.Errorf("%s: frame %x of %x, %v", name, frame, message, err)
		}
		got, err := c.Open(t.Context(), message, nil)
		if err != nil || got.Schema != schema || got.SchemaID == "" || string(frame)+string(got.Body) != string(message) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, err := c.Open(t.Context(), []byte("{}"), nil); err == nil || isUnavailable(err) {
			t.Errorf("%s: opened JSON: %v", name, err)
		}
		if _, _, err := c.Frame(t.Context(), subject[UserCreated]("orders"), nil); err == nil {
			t.Errorf("%s: framed nil", name)
		}
	}
}

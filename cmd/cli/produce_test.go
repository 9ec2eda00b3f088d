package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/topics"
)

type signUp struct {
	UserID  int64     `avro:"user_id" json:"id"`
	Created time.Time `avro:"created_at"`
}

func TestLinesBecomeValuesOfTheTopic(t *testing.T) {
	t.Parallel()
	declared := []topics.Spec{
		{Name: "json", Format: topics.JSON, Type: reflect.TypeFor[signUp]()},
		{Name: "pointer", Format: topics.JSON, Type: reflect.TypeFor[*signUp]()},
		{Name: "map", Format: topics.JSON, Type: reflect.TypeFor[map[string]any]()},
		{Name: "avro", Format: topics.Avro, Type: reflect.TypeFor[signUp]()},
		{Name: "raw", Format: topics.Raw, Type: reflect.TypeFor[[]byte]()},
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		topic, line, fails string
		want               any
	}{
		"a struct":                      {topic: "json", line: `{"id":9007199254740993,"Created":"2026-03-01T12:00:00Z"}`, want: signUp{9007199254740993, at}},
		"a pointer":                     {topic: "pointer", line: `{"id":1}`, want: &signUp{UserID: 1}},
		"a map":                         {topic: "map", line: `{"id":"x"}`, want: map[string]any{"id": "x"}},
		"bytes as they are":             {topic: "raw", line: `not JSON`, want: []byte("not JSON")},
		"Avro by the names of JSON":     {topic: "avro", line: `{"id":1,"Created":"2026-03-01T12:00:00Z"}`, want: signUp{1, at}},
		"Avro by the names of Avro":     {topic: "avro", line: `{"user_id":1,"created_at":"2026-03-01T12:00:00Z"}`, want: signUp{1, at}},
		"a field that there is not":     {topic: "json", line: `{"user":1}`, fails: `has no field "user": it has Created, id`},
		"a wrong type":                  {topic: "json", line: `{"id":"one"}`, fails: "into"},
		"null":                          {topic: "pointer", line: `null`, fails: "null is no value"},
		"Avro with names of neither":    {topic: "avro", line: `{"user":1}`, fails: "as Avro"},
		"no JSON on any topic":          {topic: "any", line: `{"id"`, fails: "not a JSON value"},
		"two values on one line of any": {topic: "any", line: `{} {}`, fails: "not a JSON value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, err := readerFor(declared, produceOptions{topic: c.topic})
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(t.Context(), []byte(c.line))
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Fatalf("got error %v, want %q", err, c.fails)
			}
			if diff := cmp.Diff(c.want, got); c.fails == "" && diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUndeclaredValueStaysAsItWasWritten(t *testing.T) {
	t.Parallel()
	line := `{"n":12345678901234567890,"a":1.0}`
	v, err := readAsIs(t.Context(), []byte(line))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(v)
	if err != nil || string(got) != line {
		t.Errorf("got %s, %v", got, err)
	}
	if name := reflect.TypeOf(v).Name(); name != "" {
		t.Errorf("the message would get the type name %q", name)
	}
}

func TestSendOptionsRefuse(t *testing.T) {
	t.Parallel()
	for _, o := range []produceOptions{{headers: []string{"novalue"}}, {headers: []string{"=x"}}, {avro: "/does/not/exist.avsc"}} {
		if _, err := o.sendOptions(); codeOf(t.Context(), err) != exitUsage {
			t.Errorf("%+v: %v, want a usage error", o, err)
		}
	}
	for _, rate := range []string{"0", "-1", "many", "NaN"} {
		if _, err := (&produceOptions{rate: rate}).pace(); codeOf(t.Context(), err) != exitUsage {
			t.Errorf("--rate %s: %v, want a usage error", rate, err)
		}
	}
}

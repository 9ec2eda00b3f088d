package avro_test

import (
	"strings"
	"testing"
)

// What the Avro project asks every decoder to reject (AVRO-4304).
func TestRejectionsOfAvro(t *testing.T) {
	t.Parallel()
	list, enum := `{"type":"array","items":"int"}`, `{"type":"enum","name":"E","symbols":["A","B"]}`
	for name, c := range map[string]struct{ schema, body string }{
		"a long that goes on after ten bytes": {`"long"`, strings.Repeat("80", 10)},
		"an int that goes on after five":      {`"int"`, strings.Repeat("80", 5)},
		"an array block of MinInt64 items":    {list, strings.Repeat("ff", 9) + "0102"},
		"bytes with a length of -1":           {`"bytes"`, "01"},
		"a string with a length of -1":        {`"string"`, "01"},
		"branch -1 of a union":                {`["null","int"]`, "01"},
		"branch 5 of a union of two":          {`["null","int"]`, "0a"},
		"symbol -1 of an enum":                {enum, "01"},
		"symbol 5 of an enum of two":          {enum, "0a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRejected(t, c.schema, c.body, new(any))
			wantRejected(t, box(c.schema), c.body, new(map[string]any))
		})
	}
}

func wantRejected(t *testing.T, schema, body string, into any) {
	t.Helper()
	codec := scripted{"/schemas/ids/1": schemaAnswer(schema)}.codec(t)
	err := codec.Decode(t.Context(), unhex(t, "0000000001"+body), nil, into)
	if err == nil || isUnavailable(err) {
		t.Errorf("%T: got %v", into, err)
	}
}

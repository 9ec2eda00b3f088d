package avro

import "testing"

func TestDifference(t *testing.T) {
	t.Parallel()
	record := func(fields string) string {
		return `{"type":"record","name":"A","namespace":"x","fields":[` + fields + `]}`
	}
	old := record(`{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":"string"}}`)
	for name, c := range map[string]struct{ theirs, ours, want string }{
		"none":      {old, record(`{"name":"a","type":"int","doc":"x"},{"name":"b","type":{"type":"array","items":"string"}}`), "only in docs, order or aliases"},
		"new field": {old, record(`{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":"string"}},{"name":"c","type":["null","long"],"default":null}`), "+ x.A.c null|long default null"},
		"unit":      {record(`{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}}`), record(`{"name":"a","type":{"type":"long","logicalType":"timestamp-micros"}}`), "+ x.A.a long(timestamp-micros), - x.A.a long(timestamp-millis)"},
		"symbols":   {`{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"enum","name":"E","symbols":["A","B"]}`, "+ E A|B, - E A"},
		"container": {`{"type":"map","values":"int"}`, `{"type":"array","items":"int"}`, "+ schema array<int>, - schema map<int>"},
		"unusable":  {`{"type":"array","items":"null"}`, old, "the registered one cannot be read: schema refused: an array of items without bytes has no bound"},
	} {
		if got := difference(c.theirs, c.ours); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

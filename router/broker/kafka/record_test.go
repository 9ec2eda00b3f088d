package kafka

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func TestAFetchedRecordLosesItsIDFromTheHeaders(t *testing.T) {
	t.Parallel()
	id, a, b := kgo.RecordHeader{Key: idHeader, Value: []byte("x")}, kgo.RecordHeader{Key: "a", Value: []byte("1")}, kgo.RecordHeader{Key: "b"}
	ourA, ourB := broker.Header{Key: "a", Value: []byte("1")}, broker.Header{Key: "b"}
	for name, c := range map[string]struct {
		from []kgo.RecordHeader
		id   string
		want broker.Headers
	}{
		"none":                    {},
		"without an id":           {from: []kgo.RecordHeader{a, b, a}, want: broker.Headers{ourA, ourB, ourA}},
		"nothing else":            {from: []kgo.RecordHeader{id}, id: "x"},
		"the id first":            {from: []kgo.RecordHeader{id, a, b}, id: "x", want: broker.Headers{ourA, ourB}},
		"the id last":             {from: []kgo.RecordHeader{a, b, id}, id: "x", want: broker.Headers{ourA, ourB}},
		"the id between":          {from: []kgo.RecordHeader{a, id, b}, id: "x", want: broker.Headers{ourA, ourB}},
		"of several ids the last": {from: []kgo.RecordHeader{{Key: idHeader, Value: []byte("y")}, a, id}, id: "x", want: broker.Headers{ourA}},
	} {
		at := time.Now()
		want := &broker.Record{Topic: "t", Partition: 3, Offset: "42", Value: []byte{}, Time: at, ID: c.id, Headers: c.want}
		got := fromKafka(&kgo.Record{Topic: "t", Partition: 3, Offset: 42, Value: []byte{}, Timestamp: at, Headers: c.from})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if n := cap(got.Headers); n != len(got.Headers) {
			t.Errorf("%s: appending to the headers would write into the memory of others: %d of %d", name, len(got.Headers), n)
		}
	}
}

func TestOffsetsGrow(t *testing.T) {
	t.Parallel()
	o := newOffsets(1)
	if first, long := o.text(-7), o.text(math.MaxInt64); first != "-7" || long != "9223372036854775807" || o.text(12) != "12" {
		t.Errorf("got %q and %q", first, long)
	}
}

// BenchmarkFetched turns 500 records that were fetched into those of the engine.
func BenchmarkFetched(b *testing.B) {
	const n = 500
	rs, hs := make([]kgo.Record, n), make([]kgo.RecordHeader, 5*n)
	b.ReportAllocs()
	for b.Loop() {
		all, texts := make([]broker.Record, n), newOffsets(n)
		for i := range rs {
			rs[i] = kgo.Record{Topic: "t", Offset: 1234567, Headers: benchHeaders(hs[5*i : 5*i+5])}
			takeOver(&all[i], &rs[i], texts)
		}
	}
}

var uuidText = []byte("019ac1d0-7f2a-7c4e-9d3b-2f6a1b0c4d5e")

func benchHeaders(hs []kgo.RecordHeader) []kgo.RecordHeader {
	for i, key := range []string{"content-type", "leat-type", "correlation_id", "causation_id", idHeader} {
		hs[i] = kgo.RecordHeader{Key: key, Value: uuidText}
	}
	return hs
}

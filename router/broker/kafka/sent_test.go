package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func TestASentRecordKnowsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	p := &producer{}
	many := &broker.Record{Topic: "t", ID: "first", Key: []byte("k"), Value: []byte("v")}
	for i := range manyHeaders + 1 {
		many.Headers = append(many.Headers, broker.Header{Key: strconv.Itoa(i), Value: []byte("x")})
	}
	for _, r := range []*broker.Record{many, {Topic: "t", Value: []byte{}}, {Topic: "u", ID: "second", Headers: many.Headers[:2]}} {
		var want []kgo.RecordHeader
		if r.ID != "" {
			want = append(want, kgo.RecordHeader{Key: idHeader, Value: []byte(r.ID)})
		}
		for _, h := range r.Headers {
			want = append(want, kgo.RecordHeader(h))
		}
		s := p.newSent(r, 0)
		if diff := cmp.Diff(want, s.rec.Headers, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if s.rec.Topic != r.Topic || (s.rec.Key == nil) != (r.Key == nil) || (s.rec.Value == nil) != (r.Value == nil) {
			t.Errorf("%s: got %+v", r.ID, s.rec)
		}
		s.done = func(broker.Receipt, error) {}
		s.settle(&s.rec, nil)
		if s.rec.Topic != "" || s.done != nil || len(s.headers) > 0 && s.headers[0].Value != nil {
			t.Errorf("%s is still known: %+v", r.ID, s)
		}
	}
}

func TestASentRecordSettlesOnceByItsOwnCallback(t *testing.T) {
	t.Parallel()
	p, broken := &producer{}, errors.New("broken")
	got := map[string]int{}
	one, several := p.newSent(&broker.Record{Topic: "t"}, 0), p.newSent(&broker.Record{Topic: "t"}, 0)
	one.done = func(rc broker.Receipt, err error) { got[fmt.Sprintf("%d %s %v", rc.Partition, rc.Offset, err)]++ }
	several.all, several.i = func(i int, _ broker.Receipt, err error) { got[fmt.Sprintf("%d %v", i, errors.Is(err, broken))]++ }, 7
	one.rec.Partition, one.rec.Offset = 3, 42
	one.promise(&one.rec, nil)
	several.promise(&several.rec, broken)
	if diff := cmp.Diff(map[string]int{"3 42 <nil>": 1, "7 true": 1}, got); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkSent is what a record costs on its way to the client and back.
func BenchmarkSent(b *testing.B) {
	p := &producer{}
	r := &broker.Record{Topic: "t", ID: string(uuidText), Value: uuidText, Headers: broker.Headers{
		{Key: "content-type", Value: uuidText}, {Key: "leat-type", Value: uuidText}, {Key: "correlation_id", Value: uuidText}, {Key: "causation_id", Value: uuidText},
	}}
	b.ReportAllocs()
	for b.Loop() {
		s := p.newSent(r, 0)
		s.done = func(broker.Receipt, error) {}
		s.promise(&s.rec, nil)
	}
}

package kafka

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func TestASentRecordKnowsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	p := &producer{}
	one, two := broker.Header{Key: "a", Value: []byte("x")}, broker.Header{Key: "b"}
	for _, r := range []*broker.Record{
		{Topic: "t", ID: "first", Key: []byte("k"), Value: []byte("v"), Headers: broker.Headers{one, two, one}},
		{Topic: "t", Value: []byte{}},
		{Topic: "u", ID: "second", Headers: broker.Headers{two}},
	} {
		var want []kgo.RecordHeader
		for _, h := range r.Headers {
			want = append(want, kgo.RecordHeader(h))
		}
		if r.ID != "" {
			want = append(want, kgo.RecordHeader{Key: idHeader, Value: []byte(r.ID)})
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
		if s.rec.Topic != "" || s.done != nil || s.rec.Headers != nil {
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

func TestTheIDTakesTheRoomBehindTheHeaders(t *testing.T) {
	t.Parallel()
	a, b := broker.Header{Key: "a", Value: []byte("1")}, broker.Header{Key: "b", Value: []byte("2")}
	id := kgo.RecordHeader{Key: idHeader, Value: []byte("x")}
	shared := broker.Headers{a, b}
	former := broker.Header(kgo.RecordHeader{Key: idHeader, Value: []byte("former")})
	for name, c := range map[string]struct {
		given broker.Headers
		want  []kgo.RecordHeader
	}{
		"none":             {nil, []kgo.RecordHeader{id}},
		"room":             {append(make(broker.Headers, 0, 2), a), []kgo.RecordHeader{kgo.RecordHeader(a), id}},
		"no room":          {shared[:1:1], []kgo.RecordHeader{kgo.RecordHeader(a), id}},
		"another id there": {broker.Headers{former, a}[:2:2], []kgo.RecordHeader{kgo.RecordHeader(a), id}},
	} {
		before := c.given.Clone()
		for range 2 { // as an output that is sent again
			got := toHeaders(&broker.Record{ID: "x", Headers: c.given})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if inPlace := len(c.given) > 0 && &theirs(c.given)[0] == &got[0]; inPlace != (name == "room") {
				t.Errorf("%s: in place is %v", name, inPlace)
			}
		}
		if diff := cmp.Diff(before, c.given); diff != "" {
			t.Errorf("%s: the record's own headers changed: %s", name, diff)
		}
	}
	if diff := cmp.Diff(broker.Headers{a, b}, shared); diff != "" {
		t.Errorf("headers of another record changed: %s", diff)
	}
}

// BenchmarkSent is what a record costs on its way to the client and back.
func BenchmarkSent(b *testing.B) {
	p := &producer{}
	r := &broker.Record{Topic: "t", ID: string(uuidText), Value: uuidText, Headers: append(make(broker.Headers, 0, 5), broker.Headers{
		{Key: "content-type", Value: uuidText}, {Key: "leat-type", Value: uuidText}, {Key: "correlation_id", Value: uuidText}, {Key: "causation_id", Value: uuidText},
	}...)}
	b.ReportAllocs()
	for b.Loop() {
		s := p.newSent(r, 0)
		s.done = func(broker.Receipt, error) {}
		s.promise(&s.rec, nil)
	}
}

package kafka

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func TestASentRecordKnowsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	p, now := &producer{}, time.Now()
	one, two := broker.Header{Key: "a", Value: []byte("x")}, broker.Header{Key: "b"}
	for _, r := range []*broker.Record{
		{Topic: "t", ID: "first", Key: []byte("k"), Value: []byte("v"), Headers: broker.Headers{one, two, one}},
		{Topic: "t", Value: []byte{}},
		{Topic: "u", ID: "second", Headers: broker.Headers{two}, Time: time.Unix(1, 0)},
	} {
		var want []kgo.RecordHeader
		for _, h := range r.Headers {
			want = append(want, kgo.RecordHeader(h))
		}
		if r.ID != "" {
			want = append(want, kgo.RecordHeader{Key: idHeader, Value: []byte(r.ID)})
		}
		s := sentAt(p, now, handed{r, caller{one: func(broker.Receipt, error) {}}})
		rec := &s.records[0]
		if diff := cmp.Diff(want, rec.Headers, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if r.Time.IsZero() && rec.Timestamp != now || !r.Time.IsZero() && rec.Timestamp != r.Time {
			t.Errorf("%s is published at %v, want %v or else %v", r.ID, rec.Timestamp, r.Time, now)
		}
		if rec.Topic != r.Topic || (rec.Key == nil) != (r.Key == nil) || (rec.Value == nil) != (r.Value == nil) {
			t.Errorf("%s: got %+v", r.ID, rec.Record)
		}
		rec.promise(&rec.Record, nil)
		if rec.Topic != "" || rec.caller.one != nil || rec.Headers != nil {
			t.Errorf("%s is still known: %+v", r.ID, s)
		}
		if len(p.lone.all) != 1 || p.lone.all[0] != s {
			t.Errorf("the memory of %s is not used again", r.ID)
		}
	}
}

func TestASentRecordSettlesOnceByItsOwnCallback(t *testing.T) {
	t.Parallel()
	p, broken := &producer{}, errors.New("broken")
	got := map[string]int{}
	one := sentAt(p, time.Now(), handed{&broker.Record{}, caller{one: func(rc broker.Receipt, err error) {
		got[fmt.Sprintf("%d %s %v", rc.Partition, rc.Offset, err)]++
	}}})
	rec := &one.records[0]
	rec.Partition, rec.Offset = 3, 42
	rec.promise(&rec.Record, nil)
	several := sentAt(p, time.Now(), calling(3, func(i int, rc broker.Receipt, err error) {
		got[fmt.Sprintf("%d of 3: %q %v", i, rc.Offset, errors.Is(err, broken))]++
	})...)
	for i, offset := range []int64{math.MaxInt64, 7, 0} {
		several.records[i].Offset = offset
	}
	if rs := several.records; len(p.together.all) != 0 || p.gathered.waves.Load() != 1 {
		t.Error("memory is spare before all are settled")
	} else {
		rs[2].promise(&rs[2].Record, nil)
		rs[0].promise(&rs[0].Record, nil)
		rs[1].promise(&rs[1].Record, broken)
	}
	want := map[string]int{"3 42 <nil>": 1, `0 of 3: "9223372036854775807" false`: 1, `1 of 3: "" true`: 1, `2 of 3: "0" false`: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.together.all) != 1 || p.together.n != groupSize || p.gathered.waves.Load() != 0 {
		t.Errorf("%d records are spare, want those of the three; %d are on their way", p.together.n, p.gathered.waves.Load())
	}
}

// sentAt are the records of a wave.
func sentAt(p *producer, now time.Time, hs ...handed) *sent {
	return p.newSent(hs, p.gathered.newWave(len(hs)), now)
}

// calling are n records whose caller has one function for all.
func calling(n int, f func(int, broker.Receipt, error)) []handed {
	hs := make([]handed, n)
	for i := range hs {
		hs[i] = handed{&broker.Record{}, caller{all: f, i: i}}
	}
	return hs
}

func TestRecordsSentTogetherUseTheSameRoom(t *testing.T) {
	t.Parallel()
	p := &producer{}
	var first *sent
	for _, n := range []int{3, groupSize, 2} {
		s := sentAt(p, time.Now(), calling(n, func(int, broker.Receipt, error) {})...)
		if first == nil {
			first = s
		}
		if s != first || len(s.records) != n {
			t.Errorf("%d records have room for %d, the same: %v", n, len(s.records), s == first)
		}
		for i := range s.records {
			s.records[i].promise(&s.records[i].Record, nil)
		}
	}
}

func TestABurstLeavesABoundedRestOfSpareMemory(t *testing.T) {
	t.Parallel()
	var s spare
	const most = mostSpare / groupSize
	for range most + 1 {
		s.put(makeSent(2))
	}
	if len(s.all) != most || s.n != most*groupSize {
		t.Errorf("%d with %d records are kept, want %d", len(s.all), s.n, most)
	}
	for range most {
		if s.take() == nil {
			t.Fatal("what was kept is gone")
		}
	}
	if got := s.take(); got != nil || s.n != 0 {
		t.Errorf("took %v, and %d records are left", got, s.n)
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
	hs, now := []handed{{r, caller{one: func(broker.Receipt, error) {}}}}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s := sentAt(p, now, hs...)
		s.records[0].promise(&s.records[0].Record, nil)
	}
}

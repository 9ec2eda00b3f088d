package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
)

// produced is what became of a record.
type produced struct {
	rc  broker.Receipt
	err error
}

// batches is p for many records at once.
func batches(t *testing.T, p broker.Producer) broker.BatchProducer {
	t.Helper()
	all, ok := p.(broker.BatchProducer)
	if !ok {
		t.Fatalf("%T is no BatchProducer", p)
	}
	return all
}

// together hands records over in one call and waits for all of them.
func together(ctx context.Context, t *testing.T, p broker.Producer, rs ...*broker.Record) []produced {
	t.Helper()
	all := batches(t, p)
	got := make([]produced, len(rs))
	var wg sync.WaitGroup
	wg.Add(len(rs))
	all.ProduceAll(ctx, rs, func(i int, rc broker.Receipt, err error) {
		got[i] = produced{rc, err}
		wg.Done()
	})
	wg.Wait()
	return got
}

func TestRecordsProducedTogetherArriveInOrderWithTheirReceipts(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 3)
	rs := keyed(topic, 2000, 17)
	for i, r := range rs {
		r.Value = fmt.Append(nil, i)
		r.ID, r.Headers = fmt.Sprint("id-", i), broker.Headers{{Key: "n", Value: r.Value}}
	}
	rs[5].ID, rs[5].Headers = "", nil
	long, begun := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC), time.Now()
	rs[7].Time = long
	want, place := map[string][]string{}, map[string]string{}
	for i, p := range together(within(t), t, b.Sends(), rs...) {
		if p.err != nil {
			t.Fatal(p.err)
		}
		want[string(rs[i].Key)] = append(want[string(rs[i].Key)], string(rs[i].Value))
		place[string(rs[i].Value)] = fmt.Sprint(p.rc.Partition, "/", p.rc.Offset)
	}
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, len(rs))
	if diff := cmp.Diff(want, got.keys()); diff != "" {
		t.Error(diff)
	}
	for _, r := range got.all() {
		i, _ := strconv.Atoi(string(r.Value))
		if i == 7 && !r.Time.Equal(long) || i != 7 && r.Time.Sub(begun).Abs() > time.Minute {
			t.Errorf("%s was published at %v", r.Value, r.Time)
		}
		if at := fmt.Sprint(r.Partition, "/", r.Offset); at != place[string(r.Value)] {
			t.Fatalf("%s is at %s, its receipt says %s", r.Value, at, place[string(r.Value)])
		}
		if i != 5 && (r.ID != rs[i].ID || !cmp.Equal(r.Headers, rs[i].Headers)) || i == 5 && len(r.Headers) > 0 {
			t.Fatalf("%s has id %q and headers %v, sent with %q and %v", r.Value, r.ID, r.Headers, rs[i].ID, rs[i].Headers)
		}
	}
}

// TestRecordsOfAKeyKeepTheirOrderHoweverTheyAreProduced has many callers, who wait for nothing, so that records are
// gathered.
func TestRecordsOfAKeyKeepTheirOrderHoweverTheyAreProduced(t *testing.T) {
	t.Parallel()
	const keys, rounds = 24, 60
	b := newBroker(t)
	topic := newTopic(t, b, 3)
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		many := batches(t, p)
		var callers, answers sync.WaitGroup
		answers.Add(keys * rounds * 4)
		done := func(_ broker.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
			answers.Done()
		}
		for key := range keys {
			callers.Go(func() {
				all := keyed(topic, 4*rounds, 1)
				for _, r := range all {
					r.Key = fmt.Appendf(nil, "%d of %p", key, p)
				}
				for rs := range slices.Chunk(all, 4) {
					p.Produce(within(t), rs[0], done)
					many.ProduceAll(within(t), rs[1:3], func(_ int, rc broker.Receipt, err error) { done(rc, err) })
					p.Produce(within(t), rs[3], done)
				}
			})
		}
		callers.Wait()
		answers.Wait()
	}
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, 2*keys*rounds*4)
	for key, values := range got.keys() {
		for i, v := range values {
			if v != strconv.Itoa(i) {
				t.Fatalf("%s: %s stands at place %d", key, v, i)
			}
		}
	}
}

func TestOneOfManyThatIsTooLargeFailsAlone(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	rs := keyed(topic, 50, 5)
	rs[20].Value = make([]byte, 2<<20)
	for i, p := range together(within(t), t, b.Sends(), rs...) {
		if i == 20 != errors.Is(p.err, broker.ErrTooLarge) || i != 20 && p.err != nil {
			t.Errorf("record %d: %v", i, p.err)
		}
	}
}

func TestManyAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	if err := b.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	for i, p := range together(within(t), t, b.Sends(), keyed(topic, 3, 1)...) {
		if !errors.Is(p.err, broker.ErrClosed) {
			t.Errorf("record %d: %v", i, p.err)
		}
	}
}

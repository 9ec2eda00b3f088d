package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// faulty is memory whose producers do what a test says.
type faulty struct {
	*memory.Broker
	mu      sync.Mutex
	produce func(r *broker.Record, ok func(broker.Receipt, error)) bool // true: it took care
	limit   int                                                         // of a value, 0 is none
}

func (f *faulty) Sends() broker.Producer   { return faultyProducer{f.Broker.Sends(), f} }
func (f *faulty) Outputs() broker.Producer { return faultyProducer{f.Broker.Outputs(), f} }

type faultyProducer struct {
	broker.Producer
	f *faulty
}

func (p faultyProducer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.f.mu.Lock()
	special := p.f.produce
	p.f.mu.Unlock()
	if special == nil || !special(r, done) {
		p.Producer.Produce(ctx, r, done)
	}
}

func (p faultyProducer) Check(r *broker.Record) error {
	if p.f.limit > 0 && len(r.Value) > p.f.limit {
		return broker.ErrTooLarge
	}
	return nil
}

func (p faultyProducer) Timeout() time.Duration { return time.Minute }

func (f *faulty) behave(produce func(*broker.Record, func(broker.Receipt, error)) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.produce = produce
}

func onFaulty(t *testing.T, f func(t *testing.T, b *faulty)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, &faulty{Broker: memory.New()}) })
}

func TestPublishTellsTheFateOfEachValue(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		refused := errors.New("refused")
		b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
			switch {
			case strings.Contains(string(r.Value), "refuse"):
				done(broker.Receipt{}, refused)
			case !strings.Contains(string(r.Value), "silent"):
				return false
			}
			return true
		})
		r := newRouter(b)
		err := router.NewPublisher(r, orders).Publish(t.Context(), order{ID: "fine"}, order{ID: "refuse"}, order{ID: "silent"})
		pe, ok := errors.AsType[*router.PublishError](err)
		if !ok || len(pe.Failed) != 2 || !errors.Is(pe.Failed[1], refused) || !errors.Is(pe.Failed[2], broker.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = router.NewPublisher(r, orders).Publish(ctx, order{ID: "silent"})
		if !errors.Is(err, broker.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline: %v", err)
		}
	})
}

func TestAValueAloneIsWaitedForNoLongerThanTheProducerSays(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		var answer func(broker.Receipt, error)
		b.behave(func(_ *broker.Record, done func(broker.Receipt, error)) bool {
			answer = done
			return true
		})
		p, began := router.NewProducer(newRouter(b)), time.Now()
		_, err := p.Send(t.Context(), "orders", order{ID: "silent"})
		if !errors.Is(err, broker.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "no answer within 1m0s") || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		answer(broker.Receipt{}, nil) // too late, and no harm
		b.behave(func(_ *broker.Record, done func(broker.Receipt, error)) bool {
			time.AfterFunc(59*time.Second, func() { done(broker.Receipt{Topic: "orders", Partition: 3, Offset: "7"}, nil) })
			return true
		})
		rc, err := p.Send(t.Context(), "orders", order{ID: "slow"})
		if rc.Partition != 3 || rc.Offset != "7" || err != nil {
			t.Errorf("got %+v, %v", rc, err)
		}
	})
}

func TestNothingIsSentWhenOneValueIsInvalid(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		r := newRouter(b)
		err := router.NewPublisher(r, Orders).Publish(t.Context(), Order{"1", "a", 1}, Order{"2", "a", 0})
		pe, ok := errors.AsType[*router.PublishError](err)
		if !ok || len(pe.Failed) != 2 || !errors.Is(pe.Failed[1], router.ErrInvalid) || errors.Is(pe.Failed[0], router.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		if n := len(b.Records("orders")); n != 0 {
			t.Errorf("%d records were written", n)
		}
	})
}

func TestFireAndForgetIsFlushedAtStop(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		r := newRouter(b, router.Conventions{FireAndForget: true})
		var slow sync.WaitGroup
		b.behave(func(rec *broker.Record, done func(broker.Receipt, error)) bool {
			slow.Go(func() {
				elapse(time.Second)
				b.Broker.Sends().Produce(context.Background(), rec, done)
			})
			return true
		})
		begin := time.Now()
		publish(t, r, orders, order{ID: "1"})
		if took := time.Since(begin); took != 0 {
			t.Errorf("publish waited %v", took)
		}
		got := make(chan router.Receipt, 1)
		router.NewPublisher(r, orders).PublishAsync(t.Context(), order{ID: "2"}, func(rc router.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
			got <- rc
		})
		if rc := <-got; rc.Topic != "orders" {
			t.Errorf("receipt %+v", rc)
		}
		slow.Wait()
		if n := len(b.Records("orders")); n != 2 {
			t.Errorf("%d records", n)
		}
	})
}

func TestMapsAreValues(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		maps := topics.Event[map[string]any]{Name: "maps"}
		got := make(chan map[string]any, 1)
		r := newRouter(b)
		router.Consume(r, maps, func(_ context.Context, m map[string]any) error { got <- m; return nil }, router.Name("h"))
		running(t, r)
		want := map[string]any{"name": "ana", "age": 42.0}
		if _, err := router.NewProducer(r).Send(t.Context(), "maps", want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, <-got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnOutputIsSentAgainUntilItIsWritten(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		var handled lines
		r := newRouter(b)
		router.Work(r, orders, receipts, func(_ context.Context, o order) (receipt, error) {
			handled.add("%s", o.ID)
			return receipt{o.ID}, nil
		}, router.Name("w"))
		running(t, r)
		b.behave(func(rec *broker.Record, done func(broker.Receipt, error)) bool {
			if rec.Topic != "receipts" {
				return false
			}
			done(broker.Receipt{}, errors.New("away"))
			return true
		})
		publish(t, r, orders, numbered("a")...)
		elapse(time.Minute)
		if r.Ready() == nil {
			t.Error("ready although an output waits")
		}
		b.behave(nil)
		elapse(2 * time.Minute)
		if diff := cmp.Diff([]string{"a0", "a1", "a2"}, handled.all()); diff != "" {
			t.Errorf("the handler ran again or never: %s", diff)
		}
		var out []string
		for _, rec := range b.Records("receipts") {
			out = append(out, string(rec.Value))
		}
		if diff := cmp.Diff([]string{`{"id":"a0"}`, `{"id":"a1"}`, `{"id":"a2"}`}, out); diff != "" {
			t.Error(diff)
		}
		if n := b.Unfinished(); n != 0 || r.Ready() != nil {
			t.Errorf("%d unfinished, ready: %v", n, r.Ready())
		}
	})
}

func TestAResultThatIsTooLargeIsAFailedAttempt(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		b.limit = 100
		r := newRouter(b)
		router.Work(r, orders, receipts, func(context.Context, order) (receipt, error) {
			return receipt{strings.Repeat("x", 200)}, nil
		}, router.Name("w"), router.Retry(1, router.Fixed(time.Second)))
		running(t, r)
		publish(t, r, orders, order{ID: "1"})
		elapse(time.Minute)
		dead := b.Records("orders.dlq")
		if len(dead) != 1 || header(dead[0], "leat-attempts") != "2" || !strings.Contains(header(dead[0], "leat-error"), "too large") {
			t.Errorf("dead letters %+v", dead)
		}
	})
}

func TestADeadLetterThatIsTooLargeLosesItsValueLast(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		b.limit = 100
		r := newRouter(b)
		router.Consume(r, orders, func(context.Context, order) error { return router.Permanent(errBusy) }, router.Name("h"))
		running(t, r)
		publish(t, r, orders, order{ID: strings.Repeat("x", 200)})
		synctest.Wait()
		dead := b.Records("orders.dlq")
		if len(dead) != 1 || header(dead[0], "leat-error-kind") != "oversized" || header(dead[0], "leat-original-size") != "224" || dead[0].Value == nil {
			t.Errorf("dead letters %+v", dead)
		}
	})
}

func TestWhatComesAgainBehindAFailureDoesNotWaitForItsOwnTimestamp(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		begin := time.Now()
		r := newRouter(b)
		router.ConsumeBatch(r, orders, func(ctx context.Context, os []order) error {
			failed := router.BatchErrors{}
			for i, o := range os {
				if got.add("%s %s", seconds(begin), o.ID); o.ID == "a0" && router.Batch(ctx)[i].Attempt == 1 {
					failed[i] = errBusy
				}
			}
			if len(failed) > 0 {
				return failed
			}
			return nil
		}, router.Name("h"), router.BatchSize(3), router.Retry(1, router.Fixed(2*time.Second)))
		running(t, r)
		p := router.NewPublisher(r, orders).With(router.Timestamp(begin.Add(time.Hour))) // of a clock that is ahead
		if err := p.Publish(t.Context(), numbered("a")...); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"0s a0", "0s a1", "0s a2", "2s a0", "2s a1", "2s a2"}, got.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestIDsAreUUIDsOfVersion7(t *testing.T) {
	t.Parallel()
	b := memory.New()
	r := newRouter(b)
	vs := make([]order, 1000) // so many that several cores make them
	before := time.Now().Add(-time.Millisecond)
	publish(t, r, orders, vs...)
	seen := map[string]bool{}
	for rec, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{"orders"}, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		id, err := uuid.Parse(rec.ID)
		if err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("id %q: %v, version %v, variant %v", rec.ID, err, id.Version(), id.Variant())
		}
		sec, nsec := id.Time().UnixTime()
		if made := time.Unix(sec, nsec); made.Before(before) || made.After(time.Now()) {
			t.Fatalf("id %q was made at %v", rec.ID, made)
		}
		seen[rec.ID] = true
	}
	if len(seen) != len(vs) {
		t.Errorf("%d different ids of %d", len(seen), len(vs))
	}
}

func TestAnInvalidValueAmongManyIsNamed(t *testing.T) {
	t.Parallel()
	type checked struct {
		Name string `json:"name" validate:"required"`
	}
	vs := make([]checked, 1000)
	for i := range vs {
		vs[i].Name = "x"
	}
	vs[700].Name = ""
	err := router.NewPublisher(newRouter(memory.New()), topics.Event[checked]{Name: "checked"}).Publish(t.Context(), vs...)
	failed, ok := errors.AsType[*router.PublishError](err)
	if !ok || len(failed.Failed) != len(vs) || !strings.Contains(failed.Failed[700].Error(), "Name must be required") ||
		!strings.Contains(failed.Failed[0].Error(), "not sent") {
		t.Errorf("got %.200v", err)
	}
}

// together is a faulty broker whose outputs are taken many at once.
type together struct {
	*faulty
	calls int
}

func (b *together) Outputs() broker.Producer {
	return &togetherProducer{faultyProducer{b.Broker.Outputs(), b.faulty}, b}
}

type togetherProducer struct {
	faultyProducer
	b *together
}

func (p *togetherProducer) ProduceAll(ctx context.Context, rs []*broker.Record, done func(int, broker.Receipt, error)) {
	p.b.mu.Lock()
	p.b.calls++
	p.b.mu.Unlock()
	for i, r := range rs {
		p.Produce(ctx, r, func(rc broker.Receipt, err error) { done(i, rc, err) })
	}
}

func TestResultsOfABatchAreSentTogetherAndAgainOneByOne(t *testing.T) {
	onFaulty(t, func(t *testing.T, f *faulty) {
		t.Helper()
		b, failures := &together{faulty: f}, map[string]int{"a1": 2}
		b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
			id := string(r.Key)
			if r.Topic != "receipts" || failures[id] == 0 {
				return false
			}
			failures[id]--
			done(broker.Receipt{}, errBusy)
			return true
		})
		r := newRouter(b)
		var settled lines
		router.WorkBatch(r, orders, byID, receiptsOf, router.Name("w"), router.BatchSize(3), router.OnSuccess(func(_ context.Context, o order, _ receipt) { settled.add("%s", o.ID) }))
		running(t, r)
		publish(t, r, orders, numbered("a")...)
		elapse(500 * time.Millisecond)
		if diff := cmp.Diff([]string{"a0", "a2"}, slices.Sorted(slices.Values(settled.all()))); diff != "" {
			t.Errorf("before the failed one is sent again: %s", diff)
		}
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"a0", "a1", "a2"}, slices.Sorted(slices.Values(settled.all()))); diff != "" {
			t.Error(diff)
		}
		if n := b.Unfinished(); n != 0 || b.calls != 1 || len(b.Records("receipts")) != 3 {
			t.Errorf("%d unfinished after %d calls: %v", n, b.calls, b.Records("receipts"))
		}
	})
}

func TestRecordsAreMadeForTheBroker(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		var mu sync.Mutex
		var produced []*broker.Record
		var held []func() // all records stay on their way
		b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
			mu.Lock()
			defer mu.Unlock()
			room := r.Headers[len(r.Headers):cap(r.Headers)]
			if len(room) == 0 {
				t.Errorf("%s has no room for what a broker adds to %v", r.Topic, r.Headers)
			}
			if !r.Time.IsZero() { // Redis keeps what differs from the time of the entry
				t.Errorf("%s has a time that nobody has set", r.Topic)
			}
			for i := range room {
				room[i].Key = "room"
			}
			produced = append(produced, r)
			b.Broker.Sends().Produce(context.Background(), r, func(rc broker.Receipt, err error) { held = append(held, func() { done(rc, err) }) })
			return true
		})
		r := newRouter(b)
		router.Work(r, orders, byID, receiptOf, router.Name("w"))
		router.WorkBatch(r, orders, topics.Event[receipt]{Name: "batched"}, func(_ context.Context, os []order) ([]receipt, error) {
			return make([]receipt, len(os)), nil
		}, router.Name("b"), router.Group("b"), router.BatchSize(70))
		running(t, r)
		p, ended := router.NewPublisher(r, orders), make(chan error)
		for _, os := range [][]order{make([]order, 70), {{ID: "alone"}}} {
			go func() { ended <- p.Publish(t.Context(), os...) }()
		}
		elapse(30 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(produced) != 3*71 {
			t.Errorf("%d records", len(produced))
		}
		for _, rec := range produced {
			for _, h := range rec.Headers {
				if h.Key == "room" {
					t.Fatalf("the room of one record of %s is that of another", rec.Topic)
				}
			}
		}
		for _, done := range held {
			done()
		}
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	})
}

// witness is JSON that notes what it is given.
type witness struct {
	codec.Codec
	seen []string
}

func (w *witness) Encode(ctx context.Context, dst []byte, s codec.Subject, v any) ([]byte, []codec.Header, error) {
	w.seen = append(w.seen, fmt.Sprintf("%T", v))
	return w.Codec.Encode(ctx, dst, s, v)
}

func TestACodecOfOnesOwnIsGivenValues(t *testing.T) {
	t.Parallel()
	for name, publish := range map[string]func(context.Context, router.Publisher[order]) error{
		"one":     func(ctx context.Context, p router.Publisher[order]) error { return p.Publish(ctx, order{ID: "a"}) },
		"several": func(ctx context.Context, p router.Publisher[order]) error { return p.Publish(ctx, order{}, order{}) },
		"with an option": func(ctx context.Context, p router.Publisher[order]) error {
			return p.With(router.Key("k")).Publish(ctx, order{})
		},
	} {
		w := &witness{Codec: codec.JSON}
		p := router.NewPublisher(newRouter(memory.New(), router.Codec(topics.JSON, w)), topics.Event[order]{Name: "orders"})
		if err := publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for _, got := range w.seen {
			if got != "router_test.order" {
				t.Errorf("%s: the codec was given %s", name, got)
			}
		}
	}
}

func TestErrorsTellTheTypeThatWasSent(t *testing.T) {
	t.Parallel()
	type call struct{ Back func() }
	r := newRouter(memory.New())
	err := router.NewPublisher(r, topics.Event[call]{Name: "calls"}).Publish(t.Context(), call{func() {}})
	if err == nil || !strings.Contains(err.Error(), "encode router_test.call for calls as JSON") {
		t.Errorf("a value that JSON has no words for: %v", err)
	}
	err = router.NewPublisher(r, topics.State[order]{Name: "orders", Key: func(order) string { return "" }}).Publish(t.Context(), order{ID: "a"})
	if err == nil || !strings.Contains(err.Error(), "the key of a router_test.order is empty") {
		t.Errorf("a state without a key: %v", err)
	}
}

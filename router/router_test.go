package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

func TestRetriesWaitAndEndInTheDeadLetters(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		begin := time.Now()
		r := newRouter(b)
		router.Consume(r, orders, func(ctx context.Context, o order) error {
			got.add("%s %s attempt %d", seconds(begin), o.ID, router.Meta(ctx).Attempt)
			if o.Key == "bad" {
				return errBusy
			}
			return nil
		}, router.Name("h"))
		running(t, r)
		publish(t, r, orders, order{ID: "1", Key: "bad"}, order{ID: "2", Key: "bad"}, order{ID: "3", Key: "good"})
		elapse(time.Minute)
		want := []string{
			"0s 1 attempt 1", "0s 3 attempt 1", "1s 1 attempt 2", "3s 1 attempt 3", "7s 1 attempt 4",
			"7s 2 attempt 1", "8s 2 attempt 2", "10s 2 attempt 3", "14s 2 attempt 4",
		}
		slices.SortStableFunc(want[:2], strings.Compare)
		lines := got.all()
		slices.SortStableFunc(lines[:2], strings.Compare)
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
		if n := len(b.Records("orders.dlq")); n != 2 {
			t.Errorf("%d dead letters, want 2", n)
		}
		if n := b.Unfinished(); n != 0 {
			t.Errorf("%d messages unfinished", n)
		}
	})
}

func TestDeadLetterKeepsTheMessageAndTellsWhatHappened(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		router.Consume(r, orders, func(context.Context, order) error { return router.Permanent(errBusy) }, router.Name("h"), router.Group("g"))
		running(t, r)
		p := router.NewPublisher(r, orders).With(router.Header("tenant", "7"))
		if err := p.Publish(t.Context(), order{ID: "1", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		in, dead := b.Records("orders")[0], b.Records("orders.dlq")[0]
		if diff := cmp.Diff(string(in.Value), string(dead.Value)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(in.Headers, dead.Headers[:len(in.Headers)]); diff != "" {
			t.Error(diff)
		}
		if string(dead.Key) != "k" || dead.ID != in.ID {
			t.Errorf("key %q id %q", dead.Key, dead.ID)
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)
		want := map[string]string{
			"leat-error": "busy", "leat-error-kind": "permanent", "leat-attempts": "1", "leat-handler": "h", "leat-group": "g",
			"leat-original-topic": "orders", "leat-original-partition": "0", "leat-original-offset": "0",
			"leat-original-time": now, "leat-first-failed-at": now, "leat-last-failed-at": now, "leat-service": "shop",
			"reason_poisoned": "busy", "topic_poisoned": "orders", "handler_poisoned": "h", "subscriber_poisoned": "memory",
		}
		for k, v := range want {
			if got := header(dead, k); got != v {
				t.Errorf("header %s is %q, want %q", k, got, v)
			}
		}
	})
}

func TestFailuresHaveKinds(t *testing.T) {
	type valid struct {
		Email string `json:"email" validate:"required,email"`
	}
	users := topics.Event[valid]{Name: "users"}
	cases := []struct {
		name, value, kind string
		attempts          string
		h                 func(context.Context, valid) error
	}{
		{"garbage", "\x00\x01garbage", "decode", "1", nil},
		{"invalid by tag", `{"email":"nobody"}`, "invalid", "1", nil},
		{"panic", `{"email":"a@b.de"}`, "panic", "2", func(context.Context, valid) error { panic("boom") }},
		{"timeout", `{"email":"a@b.de"}`, "timeout", "2", func(ctx context.Context, _ valid) error { <-ctx.Done(); return ctx.Err() }},
		{"error", `{"email":"a@b.de"}`, "handler", "2", func(context.Context, valid) error { return errBusy }},
		{"permanent", `{"email":"a@b.de"}`, "permanent", "1", func(context.Context, valid) error { return fmt.Errorf("x: %w", router.Permanent(errBusy)) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, b *memory.Broker) {
				t.Helper()
				r := newRouter(b)
				router.Consume(r, users, c.h, router.Name("h"), router.Retry(1, router.Fixed(time.Second)), router.Timeout(time.Second))
				running(t, r)
				if _, err := router.NewProducer(r).Send(t.Context(), "users", []byte(c.value)); err == nil {
					t.Error("bytes were accepted on a typed topic")
				}
				rec := &broker.Record{Topic: "users", Value: []byte(c.value)}
				b.Sends().Produce(t.Context(), rec, func(broker.Receipt, error) {})
				elapse(time.Minute)
				dead := b.Records("users.dlq")
				if len(dead) != 1 {
					t.Fatalf("%d dead letters", len(dead))
				}
				if k, a := header(dead[0], "leat-error-kind"), header(dead[0], "leat-attempts"); k != c.kind || a != c.attempts {
					t.Errorf("kind %s after %s attempts, want %s after %s", k, a, c.kind, c.attempts)
				}
				if hasStack := header(dead[0], "leat-error-stack") != ""; hasStack != (c.kind == "panic") {
					t.Errorf("stack present: %v", hasStack)
				}
			})
		})
	}
}

func TestWorkPublishesResultsWithLineage(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		var hooks lines
		router.Work(r, orders, receipts, func(_ context.Context, o order) (receipt, error) {
			if o.ID == "skip" {
				return receipt{}, router.Skip
			}
			return receipt{o.ID}, nil
		}, router.Name("w"),
			router.OnSuccess(func(_ context.Context, o order, rc receipt) { hooks.add("success %s %s", o.ID, rc.ID) }),
			router.OnDone(func(_ context.Context, o order) { hooks.add("done %s", o.ID) }))
		running(t, r)
		publish(t, r, orders, order{ID: "1", Key: "k"}, order{ID: "skip", Key: "k"})
		synctest.Wait()
		in, out := b.Records("orders")[0], b.Records("receipts")
		if len(out) != 1 || string(out[0].Key) != "k" {
			t.Fatalf("got %d results, first %+v", len(out), out)
		}
		for k, want := range map[string]string{"causation_id": in.ID, "correlation_id": in.ID, "content-type": "application/json", "leat-type": "receipt"} {
			if got := header(out[0], k); got != want {
				t.Errorf("%s is %q, want %q", k, got, want)
			}
		}
		if diff := cmp.Diff([]string{"success 1 1", "done 1", "done skip"}, hooks.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHooksOfFailuresRunInOrder(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		r := newRouter(b)
		router.Consume(r, orders, func(context.Context, order) error { return errBusy }, router.Name("h"),
			router.Retry(1, router.Fixed(time.Second)),
			router.OnError(func(ctx context.Context, o order, err error) {
				got.add("error %s %d %v", o.ID, router.Meta(ctx).Attempt, err)
			}),
			router.OnError(func(context.Context, any, error) { panic("a hook changes nothing") }),
			router.OnDead(func(_ context.Context, o order, err error) { got.add("dead %s %v", o.ID, err) }))
		running(t, r)
		publish(t, r, orders, order{ID: "1", Key: "k"}, order{ID: "2", Key: "k"})
		elapse(time.Minute)
		want := []string{
			"error 1 1 busy", "error 1 2 busy", "dead 1 busy", "error 2 1 busy", "error 2 2 busy", "dead 2 busy",
		}
		if diff := cmp.Diff(want, got.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRetryAfterChoosesOneWait(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		begin := time.Now()
		r := newRouter(b)
		router.Consume(r, orders, func(ctx context.Context, _ order) error {
			got.add("%s", seconds(begin))
			if router.Meta(ctx).Attempt == 1 {
				return router.RetryAfter(10*time.Second, errBusy)
			}
			return errBusy
		}, router.Name("h"), router.Retry(2, router.Fixed(time.Second)), router.NoDeadLetter())
		running(t, r)
		publish(t, r, orders, order{})
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"0s", "10s", "11s"}, got.all()); diff != "" {
			t.Error(diff)
		}
		if n := b.Unfinished(); n != 0 {
			t.Errorf("%d unfinished", n)
		}
	})
}

func TestBatchesFailByItem(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		r := newRouter(b)
		router.WorkBatch(r, orders, receipts, func(ctx context.Context, os []order) ([]receipt, error) {
			out, failed := make([]receipt, len(os)), router.BatchErrors{}
			var line []string
			for i, o := range os {
				line = append(line, fmt.Sprintf("%s/%d", o.ID, router.Batch(ctx)[i].Attempt))
				out[i] = receipt{o.ID}
				switch {
				case o.ID == "a0" && router.Batch(ctx)[i].Attempt == 1:
					failed[i] = errBusy
				case o.ID == "b1":
					failed[i] = router.Permanent(errBusy)
				case o.ID == "b2":
					failed[i] = router.Skip
				}
			}
			got.add("%s", strings.Join(line, " "))
			if len(failed) > 0 {
				return out, failed
			}
			return out, nil
		}, router.Name("w"), router.Concurrency(1), router.BatchSize(6))
		running(t, r)
		publish(t, r, orders, slices.Concat(numbered("a"), numbered("b"))...)
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"a0/1 a1/1 a2/1 b0/1 b1/1 b2/1", "a0/2 a1/1 a2/1"}, got.all()); diff != "" {
			t.Error(diff)
		}
		var ids []string
		for _, rec := range b.Records("receipts") {
			ids = append(ids, string(rec.Key)+string(rec.Value))
		}
		if diff := cmp.Diff([]string{`b{"id":"b0"}`, `a{"id":"a0"}`, `a{"id":"a1"}`, `a{"id":"a2"}`}, ids); diff != "" {
			t.Error(diff)
		}
		if n := len(b.Records("orders.dlq")); n != 1 {
			t.Errorf("%d dead letters, want b1", n)
		}
		if n := b.Unfinished(); n != 0 {
			t.Errorf("%d unfinished", n)
		}
	})
}

func TestBatchErrorFailsAllItems(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		calls := 0
		router.WorkBatch(r, orders, receipts, func(_ context.Context, os []order) ([]receipt, error) {
			calls++
			return make([]receipt, len(os)+1), nil // one too many
		}, router.Name("w"), router.Retry(1, router.Fixed(time.Second)))
		running(t, r)
		publish(t, r, orders, numbered("a")...)
		elapse(time.Minute)
		if n := len(b.Records("orders.dlq")); n != 3 || calls != 2 || len(b.Records("receipts")) != 0 {
			t.Errorf("%d dead letters after %d calls", n, calls)
		}
	})
}

func TestMiddlewareWrapsTypedHandlers(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		named := func(n string) message.HandlerMiddleware {
			return func(next message.HandlerFunc) message.HandlerFunc {
				return func(m *message.Message) ([]*message.Message, error) {
					got.add("%s %s %s", n, router.Meta(m.Context()).Handler, m.Payload)
					out, err := next(m)
					for _, o := range out {
						o.Metadata.Set("by-"+n, "yes")
					}
					return out, err
				}
			}
		}
		r := newRouter(b, router.Use(named("1"), named("2")))
		router.Work(r, orders, receipts, receiptOf, router.Name("w"), router.Use(named("3")))
		running(t, r)
		publish(t, r, orders, order{ID: "x", Key: "k"})
		synctest.Wait()
		payload := `{"id":"x","key":"k","n":0}`
		if diff := cmp.Diff([]string{"1 w " + payload, "2 w " + payload, "3 w " + payload}, got.all()); diff != "" {
			t.Error(diff)
		}
		out := b.Records("receipts")
		if len(out) != 1 || string(out[0].Key) != "k" || header(out[0], "by-1") != "yes" || header(out[0], "causation_id") == "" {
			t.Errorf("got %+v", out)
		}
	})
}

func TestPlainHandlersHaveTheSameSemantics(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		begin := time.Now()
		r := newRouter(b)
		r.Handle("orders", func(m *message.Message) error {
			got.add("%s %s %d", seconds(begin), m.Payload, router.Meta(m.Context()).Attempt)
			if string(m.Payload) == "panic" {
				panic("boom")
			}
			return nil
		}, router.Name("plain"), router.Retry(1, router.Fixed(time.Second)))
		running(t, r)
		for _, v := range []string{"panic", "good"} {
			if _, err := router.NewProducer(r).Send(t.Context(), "orders", []byte(v), router.Key(v)); err != nil {
				t.Fatal(err)
			}
		}
		elapse(time.Minute)
		lines := got.all()
		slices.Sort(lines)
		if diff := cmp.Diff([]string{"0s good 1", "0s panic 1", "1s panic 2"}, lines); diff != "" {
			t.Error(diff)
		}
		dead := b.Records("orders.dlq")
		if len(dead) != 1 || header(dead[0], "leat-error-kind") != "panic" {
			t.Errorf("dead letters %+v", dead)
		}
	})
}

func TestPullLoop(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		publish(t, r, orders, numbered("k")...)
		var got []string
		for d, err := range router.Messages(t.Context(), r, orders, router.Group("pull"), router.Retry(1, router.Fixed(time.Second))) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s/%d", d.Value.ID, d.Meta.Attempt))
			if d.Value.ID == "k0" {
				d.Nack(errBusy)
				continue
			}
			d.Ack()
			if d.Value.ID == "k2" {
				break
			}
		}
		if diff := cmp.Diff([]string{"k0/1", "k0/2", "k1/1", "k2/1"}, got); diff != "" {
			t.Error(diff)
		}
		if n := len(b.Records("orders.dlq")); n != 1 {
			t.Errorf("%d dead letters", n)
		}
		for d, err := range router.Messages(t.Context(), r, orders, router.Group("pull2")) {
			if err != nil || d.Value.ID != "k0" {
				t.Fatal(d, err)
			}
			break // not ended: comes again
		}
	})
}

func TestPublishInsideAHandlerBelongsToTheMessage(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		router.Consume(r, orders, func(ctx context.Context, o order) error {
			return errors.Join(router.Publish(ctx, receipts, receipt{o.ID}), router.Send(ctx, "notes", map[string]any{"id": o.ID}))
		}, router.Name("h"))
		running(t, r)
		publish(t, r, orders, order{ID: "1"})
		synctest.Wait()
		in := b.Records("orders")[0]
		for _, topic := range []string{"receipts", "notes"} {
			recs := b.Records(topic)
			if len(recs) != 1 || header(recs[0], "causation_id") != in.ID {
				t.Errorf("%s: %+v", topic, recs)
			}
		}
		if err := router.Publish(t.Context(), receipts, receipt{}); !errors.Is(err, router.ErrNoApp) {
			t.Errorf("outside: %v", err)
		}
	})
}

type account struct {
	ID      string `json:"id"`
	Balance int    `json:"balance"`
}

func TestTombstonesAreNil(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		accounts := topics.State[*account]{Name: "accounts", Key: func(a *account) string { return a.ID }}
		var got lines
		r := newRouter(b)
		router.Consume(r, accounts, func(ctx context.Context, a *account) error {
			m := router.Meta(ctx)
			got.add("%s nil=%v tombstone=%v", m.Key, a == nil, m.Tombstone)
			return nil
		}, router.Name("h"))
		running(t, r)
		p := router.NewPublisher(r, accounts)
		for _, publish := range []func() error{
			func() error { return p.Publish(t.Context(), &account{ID: "a"}) },
			func() error { return p.Delete(t.Context(), "a") },
		} {
			if err := publish(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // a state may forget a value that was replaced before it was read
		}
		if diff := cmp.Diff([]string{"a nil=false tombstone=false", "a nil=true tombstone=true"}, got.all()); diff != "" {
			t.Error(diff)
		}
		if err := router.NewPublisher(r, orders).Delete(t.Context(), "a"); err == nil {
			t.Error("deleted from an event topic")
		}
		if err := p.Publish(t.Context(), &account{}); err == nil {
			t.Error("published a state without a key")
		}
	})
}

func TestStopFinishesWhatRunsAndRepeatsNothing(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var handled atomic.Int64
		var parked atomic.Int64
		start := func() func() {
			r := newRouter(b)
			router.Consume(r, orders, func(ctx context.Context, o order) error {
				if o.Key == "bad" {
					parked.Store(int64(router.Meta(ctx).Attempt))
					return errBusy
				}
				elapse(5 * time.Millisecond)
				handled.Add(1)
				return nil
			}, router.Name("h"), router.Retry(100, router.Fixed(3*time.Second)))
			return running(t, r)
		}
		pub := newRouter(b)
		os := []order{{Key: "bad"}}
		for i := range 1000 {
			os = append(os, order{Key: strconv.Itoa(i % 50), N: i})
		}
		publish(t, pub, orders, os...)
		for range 5 {
			stop := start()
			elapse(200 * time.Millisecond)
			stop()
		}
		defer start()()
		elapse(time.Minute)
		if n := handled.Load(); n != 1000 {
			t.Errorf("handled %d times, want 1000", n)
		}
		if n := parked.Load(); n < 20 {
			t.Errorf("the waiting message is at attempt %d: its count did not survive", n)
		}
	})
}

func TestStopEndsContextsAtTheDeadlineWithoutAnAttempt(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		begin := time.Now()
		h := func(ctx context.Context, o order) error {
			got.add("start %s attempt %d", seconds(begin), router.Meta(ctx).Attempt)
			<-ctx.Done()
			return ctx.Err()
		}
		for range 2 {
			r := newRouter(b, router.Conventions{ShutdownTimeout: 10 * time.Second})
			router.Consume(r, orders, h, router.Name("h"), router.OnError(func(context.Context, order, error) { got.add("hook") }))
			stop := running(t, r)
			if len(b.Records("orders")) == 0 {
				publish(t, r, orders, order{})
			}
			elapse(time.Second)
			stop()
		}
		if diff := cmp.Diff([]string{"start 0s attempt 1", "start 6s attempt 1"}, got.all()); diff != "" {
			t.Error(diff) // memory hands over within 5 s
		}
		if n := len(b.Records("orders.dlq")); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

func TestHeadersOfAResultKeepTheirOrderThroughMiddleware(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b, router.Use(func(next message.HandlerFunc) message.HandlerFunc { return next }))
		router.Work(r, orders, receipts, func(context.Context, order) (receipt, error) { return receipt{ID: "1"}, nil }, router.Name("h"))
		running(t, r)
		publish(t, r, orders, order{ID: "1"})
		synctest.Wait()
		var names []string
		for _, h := range b.Records("receipts")[0].Headers {
			names = append(names, h.Key)
		}
		if diff := cmp.Diff([]string{"content-type", "leat-type", "correlation_id", "causation_id"}, names); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHooksOfABatchSeeTheValuesAsTheyCame(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		var seen lines
		router.WorkBatch(r, orders, receipts, func(_ context.Context, os []order) ([]receipt, error) {
			rs := make([]receipt, len(os))
			for i := range os {
				os[i].ID = "changed"
			}
			return rs, nil
		}, router.Name("h"), router.BatchSize(3),
			router.OnSuccess(func(_ context.Context, o order, _ receipt) { seen.add("success %s", o.ID) }),
			router.OnDone(func(_ context.Context, o order) { seen.add("done %s", o.ID) }))
		running(t, r)
		publish(t, r, orders, numbered("a")...)
		elapse(time.Minute)
		want := []string{"done a0", "done a1", "done a2", "success a0", "success a1", "success a2"}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(seen.all()))); diff != "" {
			t.Error(diff)
		}
	})
}

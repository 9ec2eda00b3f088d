package router_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// locks is JSON with keys between brackets, which it cannot read while it is away.
type locks struct{ *moody }

func newLocks() *locks { return &locks{&moody{Codec: codec.JSON}} }

func (l *locks) EncodeKey(_ context.Context, dst []byte, _, key string) ([]byte, error) {
	if err := l.mood(); err != nil {
		return dst, err
	}
	return append(dst, "["+key+"]"...), nil
}

type lockError struct{ error }

func (lockError) LeatSchemaID() string { return "17" }

func (l *locks) DecodeKey(_ context.Context, topic string, data []byte, h codec.Headers) (string, error) {
	if err := l.mood(); err != nil {
		return "", err
	}
	if _, ok := h.Get("broken"); ok {
		panic("broken")
	}
	text := strings.TrimSuffix(strings.TrimPrefix(string(data), "["), "]")
	if len(text) != len(data)-2 {
		return "", lockError{fmt.Errorf("key of topic %s: no brackets", topic)}
	}
	return text, nil
}

func lockedOrders() topics.Event[order] {
	return topics.Event[order]{Name: "in", Key: func(o order) string { return o.Key }, KeyFormat: topics.Avro}
}

var sortedStrings = cmpopts.SortSlices(strings.Compare)

func send(t *testing.T, b broker.Broker, rec *broker.Record) {
	t.Helper()
	done := make(chan error, 1)
	b.Sends().Produce(t.Context(), rec, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// kept are the records that a new reader finds.
func kept(t *testing.T, b broker.Broker, topic string) (rs []*broker.Record) {
	t.Helper()
	for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

func keysOf(rs []*broker.Record) (keys []string) {
	for _, r := range rs {
		keys = append(keys, string(r.Key))
	}
	return keys
}

func TestKeysAreEncodedByTheirFormat(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		in, out := lockedOrders(), topics.Event[receipt]{Name: "out", KeyFormat: topics.Avro}
		text := topics.Event[receipt]{Name: "text"}
		r := newRouter(b, router.Codec(topics.Avro, newLocks()))
		said := func(ctx context.Context, o order) (receipt, error) {
			got.add("%s by %s", router.Meta(ctx).Key, router.Meta(ctx).Handler)
			return receipt{o.ID}, nil
		}
		router.Work(r, in, out, said, router.Name("single"), router.Group("single"))
		router.Work(r, in, text, said, router.Name("to text"), router.Group("to text"))
		router.WorkBatch(r, in, topics.Event[receipt]{Name: "batches", KeyFormat: topics.Avro}, func(ctx context.Context, os []order) ([]receipt, error) {
			for _, m := range router.Batch(ctx) {
				got.add("%s by %s", m.Key, m.Handler)
			}
			return make([]receipt, len(os)), nil
		}, router.Name("batch"), router.Group("batch"))
		running(t, r)
		if err := router.NewPublisher(r, in).Publish(t.Context(), order{Key: "a"}, order{}); err != nil {
			t.Fatal(err)
		}
		if _, err := router.NewProducer(r).Send(t.Context(), "in", order{}, router.Key("b")); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute)
		want := []string{" by batch", " by single", " by to text", "a by batch", "a by single", "a by to text", "b by batch", "b by single", "b by to text"}
		if diff := cmp.Diff(want, got.all(), sortedStrings); diff != "" {
			t.Error(diff)
		}
		for topic, want := range map[string][]string{"in": {"[a]", "", "[b]"}, "out": {"[a]", "", "[b]"}, "batches": {"[a]", "", "[b]"}, "text": {"a", "", "b"}} {
			if diff := cmp.Diff(want, keysOf(b.Records(topic)), sortedStrings); diff != "" {
				t.Errorf("%s: %s", topic, diff)
			}
		}
	})
}

func TestAKeyThatSaysNothingIsADeadLetter(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var got lines
		r := newRouter(b, router.Codec(topics.Avro, newLocks()))
		router.Consume(r, lockedOrders(), func(_ context.Context, o order) error {
			got.add("%s", o.ID)
			return nil
		}, router.Name("h"))
		running(t, r)
		for _, rec := range []*broker.Record{
			{Key: []byte("text"), Value: []byte(`{}`)},
			{Key: []byte("[ok]"), Value: []byte(`{}`), Headers: broker.Headers{{Key: "broken", Value: []byte("1")}}},
			{Key: []byte("[ok]"), Value: []byte(`{"id":"fine"}`)},
		} {
			rec.Topic = "in"
			send(t, b, rec)
		}
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"fine"}, got.all()); diff != "" {
			t.Error(diff)
		}
		dead := b.Records("in.dlq")
		if diff := cmp.Diff([]string{"text", "[ok]"}, keysOf(dead)); diff != "" {
			t.Fatal(diff)
		}
		want := map[string]string{
			"leat-error-kind": "decode", "leat-schema-id": "17", "leat-attempts": "1",
			"leat-error": "decode in/0 at offset 0: key of topic in: no brackets",
		}
		for name, text := range want {
			if got := dead[0].Headers.Map()[name]; got != text {
				t.Errorf("%s is %q, want %q", name, got, text)
			}
		}
	})
}

func TestKeysWaitForTheirRegistry(t *testing.T) {
	for name, c := range map[string]struct {
		in, out topics.Format
		batch   bool
	}{
		"to read one":                {in: topics.Avro},
		"to read one of a batch":     {in: topics.Avro, batch: true},
		"to write that of a result":  {out: topics.Avro},
		"to write those of a batch":  {out: topics.Avro, batch: true},
		"to read one, and write one": {in: topics.Avro, out: topics.Avro},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, b *memory.Broker) {
				t.Helper()
				l := newLocks()
				r := newRouter(b, router.Codec(topics.Avro, l))
				in, out := lockedOrders(), topics.Event[receipt]{Name: "out", KeyFormat: c.out}
				in.KeyFormat = c.in
				var got lines
				handle := func(o order) receipt {
					got.add("%s", o.ID)
					return receipt{o.ID}
				}
				if c.batch {
					router.WorkBatch(r, in, out, func(_ context.Context, os []order) (rs []receipt, _ error) {
						for _, o := range os {
							rs = append(rs, handle(o))
						}
						return rs, nil
					}, router.Name("w"), router.Retry(0, router.Backoff{}))
				} else {
					router.Work(r, in, out, func(_ context.Context, o order) (receipt, error) { return handle(o), nil }, router.Name("w"), router.Retry(0, router.Backoff{}))
				}
				running(t, r)
				if err := router.NewPublisher(r, in).Publish(t.Context(), order{ID: "1", Key: "k"}, order{ID: "2", Key: "k"}); err != nil {
					t.Fatal(err)
				}
				l.away.Store(true)
				elapse(time.Minute)
				if err := r.Ready(); err == nil || len(b.Records("out")) != 0 || len(b.Records("in.dlq")) != 0 {
					t.Errorf("%d results, %d dead letters, ready: %v", len(b.Records("out")), len(b.Records("in.dlq")), err)
				}
				l.away.Store(false)
				elapse(time.Minute)
				if diff := cmp.Diff([]string{"1", "2"}, got.all()); diff != "" {
					t.Error(diff)
				}
				if n := len(b.Records("out")); n != 2 || len(b.Records("in.dlq")) != 0 || b.Unfinished() != 0 {
					t.Errorf("%d results, %d dead letters, %d unfinished", n, len(b.Records("in.dlq")), b.Unfinished())
				}
			})
		})
	}
}

func TestAStateWithEncodedKeysForgetsThem(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		accounts := topics.State[*account]{Name: "accounts", Key: func(a *account) string { return a.ID }, KeyFormat: topics.Avro}
		l := newLocks()
		r := newRouter(b, router.Codec(topics.Avro, l))
		var got lines
		router.Consume(r, accounts, func(ctx context.Context, a *account) error {
			got.add("%s nil=%v", router.Meta(ctx).Key, a == nil)
			return nil
		}, router.Name("h"))
		running(t, r)
		p := router.NewPublisher(r, accounts)
		if err := p.Publish(t.Context(), &account{ID: "a"}, &account{ID: "b"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := p.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"a nil=false", "b nil=false", "a nil=true"}, got.all(), sortedStrings); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"[a]", "[b]"}, keysOf(kept(t, b, "accounts")), sortedStrings); diff != "" {
			t.Errorf("compacted by another key: %s", diff)
		}
		l.away.Store(true)
		if err := p.Delete(t.Context(), "b"); !errors.Is(err, codec.ErrUnavailable) {
			t.Errorf("deleted without a registry: %v", err)
		}
	})
}

func TestKeyFormatsAreChecked(t *testing.T) {
	t.Parallel()
	for format, want := range map[topics.Format]string{
		topics.Avro: `topic in has key format "avro", for which there is no codec: add router.Codec("avro", …), or leave KeyFormat out for text`,
		topics.JSON: `topic in has key format "json", whose codec encodes no keys: leave KeyFormat out for text`,
	} {
		r := newRouter(memory.New())
		in := lockedOrders()
		in.KeyFormat = format
		p := router.NewPublisher(r, in)
		if err := r.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
		if err := p.Publish(t.Context(), order{Key: "a"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("published: %v", err)
		}
	}
	r := newRouter(memory.New(), router.Codec(topics.Avro, newLocks()))
	router.NewPublisher(r, lockedOrders())
	plain := lockedOrders()
	plain.KeyFormat = ""
	router.NewPublisher(r, plain)
	if err := r.Validate(); err == nil || err.Error() != "topic in is declared with keys as avro and as text" {
		t.Errorf("%v", err)
	}
}

func TestPlainHandlersSeeKeysAsTheyAre(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		c, err := avro.New(avro.Config{})
		if err != nil {
			t.Fatal(err)
		}
		r := newRouter(b, router.Codec(topics.Avro, c))
		p := router.NewPublisher(r, lockedOrders())
		var got lines
		r.Handle("in", func(m *message.Message) error {
			got.add("%s", router.Meta(m.Context()).Key)
			return nil
		}, router.Name("h"))
		running(t, r)
		if err := p.Publish(t.Context(), order{Key: "a"}); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute)
		if diff := cmp.Diff([]string{"\xc3\x01\xc7\x03EcrH\x01\x8f\x02a"}, got.all()); diff != "" {
			t.Error(diff)
		}
	})
}

// early is a codec that notes what it is prepared for.
type early struct {
	*locks
	met lines
}

func (e *early) Prepare(_ context.Context, s codec.Subject) error {
	e.met.add("%s of %s", s.Type, s.Topic)
	return nil
}

func TestKeysOfTopicsThatAreOnlyWrittenArePrepared(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		e := &early{locks: newLocks()}
		r := newRouter(b, router.Codec(topics.Avro, e))
		out := topics.Event[receipt]{Name: "out", Format: topics.Avro, KeyFormat: topics.Avro}
		router.Work(r, lockedOrders(), out, func(context.Context, order) (receipt, error) { return receipt{}, nil }, router.Name("w"))
		router.NewPublisher(r, topics.Event[receipt]{Name: "more", KeyFormat: topics.Avro})
		router.NewPublisher(r, topics.Event[receipt]{Name: "text"})
		running(t, r)
		if diff := cmp.Diff([]string{"codec.Key of more", "codec.Key of out", "router_test.receipt of out"}, e.met.all(), sortedStrings); diff != "" {
			t.Error(diff)
		}
	})
}

// keyless has a Key that panics.
var keyless = topics.Event[receipt]{Name: "receipts", Key: func(r receipt) string { panic("no key for " + r.ID) }}

func TestAPanicInAKeyIsAnErrorOfTheValue(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		r := newRouter(b)
		p := router.NewPublisher(r, keyless)
		async := make(chan error, 1)
		p.PublishAsync(t.Context(), receipt{"async"}, func(_ router.Receipt, err error) { async <- err })
		_, batch := router.NewProducer(r).SendBatch(t.Context(), "receipts", []router.Outgoing{{Value: receipt{"batch"}}})
		for name, err := range map[string]error{
			"one": p.Publish(t.Context(), receipt{"one"}), "many": p.Publish(t.Context(), receipt{"many"}, receipt{"more"}),
			"async": <-async, "batch": batch,
		} {
			if err == nil || !strings.Contains(err.Error(), "key of a message for receipts: ") || !strings.Contains(err.Error(), "no key for "+name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(b.Records("receipts")); n != 0 {
			t.Errorf("%d messages were written", n)
		}
	})
}

func TestAPanicInTheKeyOfAResultIsAFailedAttempt(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		r := newRouter(b)
		router.WorkBatch(r, orders, keyless, func(_ context.Context, os []order) ([]receipt, error) {
			return make([]receipt, len(os)), nil
		}, router.Name("batch"), router.BatchSize(3), router.MaxRetries(0), router.DeadLetter("dead"))
		router.Work(r, orders, keyless, func(context.Context, order) (receipt, error) { return receipt{}, nil },
			router.Name("one"), router.Group("ones"), router.MaxRetries(0), router.DeadLetter("dead"))
		running(t, r)
		publish(t, r, orders, numbered("a")...)
		elapse(time.Minute)
		dead := b.Records("dead")
		if len(dead) != 6 || b.Unfinished() != 0 {
			t.Errorf("%d of 6 dead letters, %d unfinished", len(dead), b.Unfinished())
		}
		for _, d := range dead {
			if kind := header(d, "leat-error-kind"); kind != "panic" {
				t.Errorf("the kind is %q", kind)
			}
		}
	})
}

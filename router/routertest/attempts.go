package routertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

var attemptCases = []semantic{
	{"a failure is tried again as often and as late as asked", retries},
	{"Permanent ends the attempts at once", permanent},
	{"Skip finishes a message", skip},
	{"RetryAfter chooses the next wait", retryAfter},
	{"a panic is a failed attempt", panics},
	{"a timeout ends the context of an attempt, and its key waits until it returns", timeout},
	{"a handler knows its message", metadata},
	{"a tombstone has no value", tombstone},
	{"middleware sees every attempt", middleware},
}

var errBusy = errors.New("busy")

// retries checks that no attempt comes early; how late one comes is the machine's business.
func retries(b *bench) {
	const first = 100 * time.Millisecond
	var mu sync.Mutex
	var last time.Time
	b.start(func(ctx context.Context, _ *item) error {
		mu.Lock()
		defer mu.Unlock()
		n := attempt(ctx)
		if wait := first << max(n-2, 0); n > 1 && time.Since(last) < wait-time.Millisecond {
			b.Errorf("attempt %d comes after %v, want %v", n, time.Since(last), wait)
		}
		last = time.Now()
		b.say("attempt %d", n)
		return errBusy
	}, router.Retry(3, router.Exponential(first)))
	b.send(&item{Key: "a"})
	if got := header(b.deadLetter(), "leat-attempts"); got != "4" {
		b.Errorf("dead after %s attempts, want 4", got)
	}
	if diff := cmp.Diff([]string{"attempt 1", "attempt 2", "attempt 3", "attempt 4"}, b.heard(4)); diff != "" {
		b.Error(diff)
	}
}

func permanent(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d %d", i.Key, i.N, attempt(ctx))
		if i.N == 0 {
			return fmt.Errorf("check: %w", router.Permanent(errBusy))
		}
		return nil
	}, router.Retry(3, router.Fixed(time.Millisecond)))
	b.send(&item{Key: "a"}, &item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a0 1", "a1 1"}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
	dead := b.deadLetter()
	if kind, text := header(dead, "leat-error-kind"), header(dead, "leat-error"); kind != "permanent" || text != "check: busy" {
		b.Errorf("dead of %s: %s", kind, text)
	}
}

func skip(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d %d", i.Key, i.N, attempt(ctx))
		if i.N == 0 {
			return router.Skip
		}
		return nil
	}, router.Retry(1, router.Fixed(time.Millisecond)))
	b.send(&item{Key: "a"}, &item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a0 1", "a1 1"}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
	b.noDeadLetters()
}

// retryAfter would wait for an hour without.
func retryAfter(b *bench) {
	const wait = 200 * time.Millisecond
	var failed time.Time
	b.start(func(ctx context.Context, _ *item) error {
		b.say("attempt %d", attempt(ctx))
		if attempt(ctx) == 1 {
			failed = time.Now()
			return router.RetryAfter(wait, errBusy)
		}
		if early := wait - time.Since(failed); early > time.Millisecond {
			b.Errorf("comes %v early", early)
		}
		return nil
	}, router.Retry(3, router.Fixed(time.Hour).Max(time.Hour)))
	b.send(&item{Key: "a"})
	if diff := cmp.Diff([]string{"attempt 1", "attempt 2"}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
}

func panics(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d %d", i.Key, i.N, attempt(ctx))
		if i.N == 0 {
			panic("boom")
		}
		return nil
	}, router.Retry(1, router.Fixed(time.Millisecond)))
	b.send(&item{Key: "a"}, &item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a0 1", "a0 2", "a1 1"}, b.heard(3)); diff != "" {
		b.Error(diff)
	}
	dead := b.deadLetter()
	if header(dead, "leat-error-kind") != "panic" || header(dead, "leat-error") != "panic: boom" || header(dead, "leat-error-stack") == "" {
		b.Errorf("dead letter %v", dead.Headers.Map())
	}
}

func timeout(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d begins", i.Key, i.N)
		if i.N > 0 {
			return nil
		}
		<-ctx.Done()
		<-time.After(50 * time.Millisecond) // the key's next message must not begin now
		b.say("%s%d ends", i.Key, i.N)
		return ctx.Err()
	}, router.Retry(0, router.Backoff{}), router.Timeout(50*time.Millisecond), router.Concurrency(2))
	b.send(&item{Key: "a"}, &item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a0 begins", "a0 ends", "a1 begins"}, b.heard(3)); diff != "" {
		b.Error(diff)
	}
	if kind := header(b.deadLetter(), "leat-error-kind"); kind != "timeout" {
		b.Errorf("dead of %s, want timeout", kind)
	}
}

func metadata(b *bench) {
	b.start(func(ctx context.Context, _ *item) error {
		m := router.Meta(ctx)
		b.say("%s %d %s of %s by %s", m.Topic, m.Partition, m.Key, m.Group, m.Handler)
		b.say("%s %s attempt %d", m.ID, m.Headers["tenant"], m.Attempt)
		b.say("%s %d", m.Offset, m.PublishedAt.UnixMilli())
		return nil
	}, router.Group(b.name("group")))
	b.raw(&broker.Record{
		Key: []byte("a"), Value: []byte(`{"key":"a"}`), ID: "id-1", Time: time.UnixMilli(1_700_000_000_000),
		Headers: broker.Headers{{Key: "tenant", Value: []byte("7")}},
	})
	was := b.first(b.event().Name)
	want := []string{
		fmt.Sprintf("%s 0 a of %s by h", b.event().Name, b.name("group")),
		"id-1 7 attempt 1",
		fmt.Sprintf("%s %d", was.Offset, int64(1_700_000_000_000)),
	}
	if diff := cmp.Diff(want, b.heard(3)); diff != "" {
		b.Error(diff)
	}
}

func tombstone(b *bench) {
	r := b.router()
	b.door.register(b, r, b.state(), func(ctx context.Context, i *item) error {
		b.say("%s nil=%v tombstone=%v", router.Meta(ctx).Key, i == nil, router.Meta(ctx).Tombstone)
		return nil
	}, router.Name("h"))
	b.run(r)
	p := router.NewPublisher(r, b.state())
	if err := p.Publish(b.Context(), &item{Key: "a", N: 1}); err != nil {
		b.Fatal(err)
	}
	b.heard(1) // a state may forget a value that is replaced before it was read
	if err := p.Delete(b.Context(), "a"); err != nil {
		b.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a nil=false tombstone=false", "a nil=true tombstone=true"}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
}

func middleware(b *bench) {
	noting := func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			out, err := next(m)
			b.say("%s %d: %v", m.Payload, attempt(m.Context()), err)
			return out, err
		}
	}
	b.start(func(ctx context.Context, _ *item) error {
		if attempt(ctx) == 1 {
			return errBusy
		}
		return nil
	}, router.Retry(1, router.Fixed(time.Millisecond)), router.Use(noting))
	b.raw(&broker.Record{Key: []byte("a"), Value: []byte(`{"key":"a"}`)})
	if diff := cmp.Diff([]string{`{"key":"a"} 1: busy`, `{"key":"a"} 2: <nil>`}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
}

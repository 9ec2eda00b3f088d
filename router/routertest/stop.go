package routertest

import (
	"context"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
)

var stopCases = []semantic{
	{"a stop waits for running handlers, and what they finished does not come again", stopWaits},
	{"nothing finished comes again after a stop while another key waits", stopParked},
	{"attempts are counted on after a restart", attemptsGoOn},
	{"an attempt that a stop interrupts is none", interrupted},
}

// stopWaits has the first handler run into the stop. What is published for the next instance
// comes behind what would come again.
func stopWaits(b *bench) {
	began, free := make(chan struct{}, 100), make(chan struct{})
	h := func(_ context.Context, i *item) error {
		began <- struct{}{}
		<-free
		b.say("%s%d", i.Key, i.N)
		return nil
	}
	stop := b.start(h)
	b.send(&item{Key: "a", N: 1})
	b.await("the first handler", began)
	time.AfterFunc(300*time.Millisecond, func() { close(free) })
	stop()
	if diff := cmp.Diff([]string{"a1"}, b.heard(0)); diff != "" {
		b.Errorf("when the stop was over: %s", diff)
	}
	b.next()
	b.start(h)
	b.send(&item{Key: "a", N: 2})
	if diff := cmp.Diff([]string{"a1", "a2"}, b.heard(2)); diff != "" {
		b.Error(diff)
	}
}

func (b *bench) await(what string, c <-chan struct{}) {
	b.Helper()
	select {
	case <-c:
	case <-time.After(b.s.patience):
		b.Fatalf("not within %v: %s", b.s.patience, what)
	}
}

func stopParked(b *bench) {
	h := func(ctx context.Context, i *item) error {
		b.say("%s%d", i.Key, i.N)
		if i.Key == "waits" {
			return router.RetryAfter(time.Hour, errBusy)
		}
		return nil
	}
	stop := b.start(h)
	b.send(&item{Key: "waits"}, &item{Key: "a", N: 1}, &item{Key: "a", N: 2}, &item{Key: "b", N: 1})
	b.heard(4)
	stop()
	b.next()
	b.start(h)
	b.send(&item{Key: "a", N: 3}, &item{Key: "b", N: 2})
	lines := b.heard(6)
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"a1", "a2", "a3", "b1", "b2", "waits0"}, lines); diff != "" {
		b.Error(diff)
	}
}

func attemptsGoOn(b *bench) {
	h := func(ctx context.Context, i *item) error {
		b.say("attempt %d", attempt(ctx))
		if attempt(ctx) < 4 {
			return errBusy
		}
		return nil
	}
	retry := router.Retry(3, router.BackoffFunc(func(n int) time.Duration {
		if n == 2 {
			return 500 * time.Millisecond // the stop comes meanwhile
		}
		return time.Millisecond
	}))
	stop := b.start(h, retry)
	b.send(&item{Key: "a"})
	b.heard(2)
	stop()
	b.next()
	b.start(h, retry)
	if diff := cmp.Diff([]string{"attempt 1", "attempt 2", "attempt 3", "attempt 4"}, b.heard(4)); diff != "" {
		b.Error(diff)
	}
	b.noDeadLetters()
}

// interrupted allows one attempt: one more that counted would be a dead letter.
func interrupted(b *bench) {
	began := make(chan struct{}, 100)
	r := b.router(router.Conventions{ShutdownTimeout: 50 * time.Millisecond})
	b.door.register(b, r, b.event(), func(ctx context.Context, _ *item) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, router.Name("h"), router.Retry(0, router.Backoff{}))
	cut := b.runUntil(r, func(error) {}) // it may say that it ran out of time
	b.send(&item{Key: "a"})
	b.await("the handler to interrupt", began)
	cut()
	b.next()
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d attempt %d", i.Key, i.N, attempt(ctx))
		return nil
	}, router.Retry(0, router.Backoff{}))
	if diff := cmp.Diff([]string{"a0 attempt 1"}, b.heard(1)); diff != "" {
		b.Error(diff)
	}
	b.noDeadLetters()
}

package routertest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
)

var orderCases = []semantic{
	{"order per key at concurrency 1", func(b *bench) { order(b, 1) }},
	{"order per key at concurrency 10", func(b *bench) { order(b, 10) }},
	{"order per key at concurrency 100", func(b *bench) { order(b, 100) }},
	{"different keys are handled side by side, up to the concurrency", sideBySide},
	{"messages without a key keep their order", keyless},
	{"unordered messages without a key are handled side by side", unordered},
	{"a key that waits stops nobody else", waitingKey},
}

// order has some messages fail once, which must not let others of their key pass.
func order(b *bench, concurrency int) {
	const keys, each = 10, 10
	var mu sync.Mutex
	running := map[string]bool{}
	take := func(key string, on bool) {
		mu.Lock()
		defer mu.Unlock()
		if on && running[key] {
			b.Errorf("two handlers of key %s at once", key)
		}
		running[key] = on
	}
	b.start(func(ctx context.Context, i *item) error {
		take(i.Key, true)
		defer take(i.Key, false)
		<-time.After(time.Millisecond) // long enough for the next one to meet it
		if i.N == 3 && attempt(ctx) == 1 {
			return errBusy
		}
		b.say("%s%d", i.Key, i.N)
		return nil
	}, router.Concurrency(concurrency), router.Retry(3, router.Fixed(20*time.Millisecond)))
	var is []*item
	for n := range each {
		for k := range keys {
			is = append(is, &item{Key: string(rune('a' + k)), N: n})
		}
	}
	b.send(is...)
	want, got := map[string]string{}, map[string]string{}
	for _, i := range is {
		want[i.Key] += strconv.Itoa(i.N)
	}
	for _, line := range b.heard(len(is)) {
		got[line[:1]] += line[1:]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Error(diff)
	}
}

func sideBySide(b *bench) {
	together(b, []*item{{Key: "a"}, {Key: "b"}, {Key: "c"}, {Key: "d"}, {Key: "e"}}, 3, router.Concurrency(3))
}

func unordered(b *bench) {
	together(b, []*item{{}, {}, {}, {}, {}}, 3, router.Concurrency(3), router.Unordered())
}

// together wants n handlers to run at once, and not one more.
func together(b *bench, is []*item, n int, opts ...router.Option) {
	b.Helper()
	var mu sync.Mutex
	now, begun := 0, 0
	free := make(chan struct{})
	b.start(func(ctx context.Context, _ *item) error {
		mu.Lock()
		now++
		begun++
		if now > n {
			b.Errorf("%d handlers at once", now)
		}
		if begun == n {
			time.AfterFunc(50*time.Millisecond, func() { close(free) }) // one too many would begin now
		}
		mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
		}
		mu.Lock()
		now--
		mu.Unlock()
		b.say("done")
		return nil
	}, opts...)
	b.send(is...)
	b.heard(len(is))
}

func keyless(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		if i.N == 1 && attempt(ctx) == 1 {
			return errBusy
		}
		b.say("%d", i.N)
		return nil
	}, router.Concurrency(4), router.Retry(1, router.Fixed(20*time.Millisecond)))
	for n := range 4 {
		b.send(&item{N: n}) // one by one: what is published together needs a key for its order
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, b.heard(4)); diff != "" {
		b.Error(diff)
	}
}

// waitingKey has one worker and a wait that nobody can sit out.
func waitingKey(b *bench) {
	b.start(func(_ context.Context, i *item) error {
		b.say("%s%d", i.Key, i.N)
		if i.Key == "a" {
			return router.RetryAfter(time.Hour, errBusy)
		}
		return nil
	}, router.Concurrency(1))
	b.send(&item{Key: "a", N: 1}, &item{Key: "a", N: 2}, &item{Key: "b", N: 1}, &item{Key: "b", N: 2})
	if diff := cmp.Diff([]string{"a1", "b1", "b2"}, b.heard(3)); diff != "" {
		b.Error(fmt.Errorf("while a waits: %s", diff))
	}
}

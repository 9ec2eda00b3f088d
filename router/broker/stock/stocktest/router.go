package stocktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

type order struct{ ID, Customer string }

func customer(o order) string { return o.Customer }

// lines are what a handler saw.
type lines struct {
	repeats bool

	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

// sorted returns the lines; each once where repeats are allowed.
func (l *lines) sorted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Sorted(slices.Values(l.all))
	if l.repeats {
		return slices.Compact(all)
	}
	return all
}

// testWorker runs a typed worker: one order succeeds, one on its second attempt, one never.
func testWorker(t *testing.T, b *bench) {
	t.Helper()
	in := topics.Event[order]{Name: b.topic, Key: customer}
	out := topics.Event[order]{Name: b.topic + ".done", Key: customer}
	dlq := b.topic + ".dlq"
	b.create(t, out.Name)
	b.create(t, dlq)
	attempts, results := lines{repeats: b.repeats}, lines{repeats: b.repeats}
	r := router.New(b, router.Service("shop"))
	router.Work(r, in, out, func(ctx context.Context, o order) (order, error) {
		n := router.Meta(ctx).Attempt
		attempts.add(fmt.Sprintf("%s attempt %d", o.ID, n))
		if o.ID == "bad" || o.ID == "late" && n == 1 {
			return o, errors.New("busy")
		}
		return o, nil
	}, router.Name("work"), router.Retry(1, router.Fixed(50*time.Millisecond)))
	router.Consume(r, out, func(_ context.Context, o order) error { results.add(o.ID); return nil }, router.Name("results"))
	stop := start(t, r)
	err := router.NewPublisher(r, in).Publish(within(t), order{"bad", "ann"}, order{"late", "ann"}, order{"good", "bob"})
	if err != nil {
		t.Fatal(err)
	}
	poll(t, func() bool { return len(results.sorted()) >= 2 })
	stop()
	want := []string{"bad attempt 1", "bad attempt 2", "good attempt 1", "late attempt 1", "late attempt 2"}
	if diff := cmp.Diff(want, attempts.sorted()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"good", "late"}, results.sorted()); diff != "" {
		t.Error(diff)
	}
	if letters := b.read(t, dlq); len(letters) == 0 || len(letters) > 1 && !b.repeats || letters[0].Headers.Map()["leat-attempts"] != "2" {
		t.Errorf("%d dead letters: %v", len(letters), letters)
	}
}

// start runs a router until the function is called that it returns.
func start(t *testing.T, r *router.Router) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Running():
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

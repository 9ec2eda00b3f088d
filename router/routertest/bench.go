package routertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// tick is how often a condition is polled.
const tick = 5 * time.Millisecond

// bench is what a semantic is tried with: a door, a broker, and names of its own.
type bench struct {
	testing.TB

	s      *suite
	door   door
	broker broker.Broker
	prefix string

	mu    sync.Mutex
	lines []string
}

func newBench(t testing.TB, s *suite, d door) *bench {
	t.Helper()
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	return &bench{TB: t, s: s, door: d, broker: s.open(t), prefix: "doors-" + hex.EncodeToString(id[:])}
}

func (b *bench) name(n string) string { return b.prefix + "-" + n }

func (b *bench) event() topics.Event[*item] {
	return topics.Event[*item]{Name: b.name("in"), Key: keyOf, Partitions: 1}
}

func (b *bench) state() topics.State[*item] {
	return topics.State[*item]{Name: b.name("in"), Key: keyOf, Partitions: 1}
}

func keyOf(i *item) string { return i.Key }

func (b *bench) router(opts ...router.RouterOption) *router.Router {
	return router.New(b.broker, append([]router.RouterOption{
		router.Service(b.prefix), router.Logger(slog.New(slog.DiscardHandler)), router.Conventions{ShutdownTimeout: b.s.patience / 3},
	}, opts...)...)
}

// start runs a handler behind the door; stop ends it in order.
func (b *bench) start(h handling, opts ...router.Option) (stop func()) {
	b.Helper()
	return b.startWith(b.router(), h, opts...)
}

func (b *bench) startWith(r *router.Router, h handling, opts ...router.Option) (stop func()) {
	b.Helper()
	b.door.register(b, r, b.event(), h, append([]router.Option{router.Name("h")}, opts...)...)
	return b.run(r)
}

// run runs a router until stop, which it must survive without an error.
func (b *bench) run(r *router.Router) (stop func()) {
	b.Helper()
	return b.runUntil(r, func(err error) {
		if err != nil {
			b.Errorf("stopped with %v", err)
		}
	})
}

func (b *bench) runUntil(r *router.Router, stopped func(error)) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		stopped(<-ended)
	})
	b.Cleanup(stop)
	select {
	case <-r.Running():
	case err := <-ended:
		ended <- nil
		b.Fatalf("did not start: %v", err)
	case <-time.After(b.s.patience):
		b.Fatalf("did not start within %v", b.s.patience)
	}
	return stop
}

// next makes what starts from now on another instance of the service.
func (b *bench) next() {
	b.Helper()
	b.broker = b.s.open(b.TB)
}

// say notes a line, for heard.
func (b *bench) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

// heard waits until n lines were said and returns all.
func (b *bench) heard(n int) []string {
	b.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for deadline := time.Now().Add(b.s.patience); ; <-ticker.C {
		b.mu.Lock()
		lines := slices.Clone(b.lines)
		b.mu.Unlock()
		if len(lines) >= n {
			return lines
		}
		if time.Now().After(deadline) {
			b.Fatalf("heard %d of %d lines: %q", len(lines), n, lines)
		}
	}
}

// send publishes items on the topic.
func (b *bench) send(is ...*item) {
	b.Helper()
	if err := router.NewPublisher(b.router(), b.event()).Publish(b.Context(), is...); err != nil {
		b.Fatal(err)
	}
}

// raw publishes a record as it is.
func (b *bench) raw(rec *broker.Record) {
	b.Helper()
	rec.Topic = b.event().Name
	done := make(chan error, 1)
	b.broker.Sends().Produce(b.Context(), rec, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// first waits for the first record of a topic.
func (b *bench) first(topic string) *broker.Record {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), b.s.patience)
	defer cancel()
	for rec, err := range b.broker.Read(ctx, broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest}) {
		if err != nil {
			break
		}
		return rec
	}
	b.Fatalf("nothing on %s", topic)
	return nil
}

// all returns what a topic has now.
func (b *bench) all(topic string) (recs []*broker.Record) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), b.s.patience)
	defer cancel()
	for rec, err := range b.broker.Read(ctx, broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest, UntilEnd: true}) {
		if err != nil {
			b.Fatal(err)
		}
		recs = append(recs, rec)
	}
	return recs
}

func (b *bench) deadLetters() string { return b.event().Name + ".dlq" }

// deadLetter returns the one dead letter.
func (b *bench) deadLetter() *broker.Record {
	b.Helper()
	return b.first(b.deadLetters())
}

func (b *bench) noDeadLetters() {
	b.Helper()
	if n := len(b.all(b.deadLetters())); n > 0 {
		b.Errorf("%d dead letters, want none", n)
	}
}

func header(r *broker.Record, name string) string {
	v, _ := r.Headers.Get(name)
	return string(v)
}

func attempt(ctx context.Context) int { return router.Meta(ctx).Attempt }

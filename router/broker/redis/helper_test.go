package redis_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

const patience = 20 * time.Second

// each runs a test on the embedded imitation and on a Redis server.
func each(t *testing.T, f func(t *testing.T, addr string)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); f(t, testservers.EmbeddedRedis(t).Addr) })
	t.Run("server", func(t *testing.T) { t.Parallel(); f(t, testservers.RedisFor(t).Addr) })
}

// onServer runs a test on a Redis server alone, for want of an imitation that knows how long
// a consumer did nothing.
func onServer(t *testing.T, f func(t *testing.T, addr string)) {
	t.Helper()
	server := testservers.RedisFor(t)
	if !server.Real {
		t.Skip("the embedded server does not know how long a consumer did nothing")
	}
	f(t, server.Addr)
}

func open(t *testing.T, addr string, change ...func(*settings.Redis)) *redis.Broker {
	t.Helper()
	cfg := settings.Redis{URL: settings.URL("redis://" + addr + "/0"), Lease: 3 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	return opened(t, cfg, testWriter{t})
}

// opened is a broker that logs to w.
func opened(t *testing.T, cfg settings.Redis, w io.Writer) *redis.Broker {
	t.Helper()
	b, err := redis.New(cfg, redis.Logger(slog.New(slog.NewTextHandler(w, nil))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

// logBook keeps what is logged.
type logBook struct {
	testWriter
	mu   sync.Mutex
	text strings.Builder
}

func newLogBook(t *testing.T) *logBook { t.Helper(); return &logBook{testWriter: testWriter{t}} }

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	return l.testWriter.Write(b)
}

func (l *logBook) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b))
	return len(b), nil
}

func create(t *testing.T, b *redis.Broker, partitions int, change ...func(*broker.TopicConfig)) string {
	t.Helper()
	c := broker.TopicConfig{Name: testservers.Unique(t, "orders"), Partitions: partitions}
	for _, f := range change {
		f(&c)
	}
	if err := b.CreateTopics(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c.Name
}

// publish sends a record and waits for its receipt.
func publish(t *testing.T, b *redis.Broker, r *broker.Record) broker.Receipt {
	t.Helper()
	rc, err := send(t, b, r)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return rc
}

func send(t *testing.T, b *redis.Broker, r *broker.Record) (broker.Receipt, error) {
	t.Helper()
	type answer struct {
		rc  broker.Receipt
		err error
	}
	c := make(chan answer, 1)
	b.Sends().Produce(t.Context(), r, func(rc broker.Receipt, err error) { c <- answer{rc, err} })
	select {
	case a := <-c:
		return a.rc, a.err
	case <-time.After(patience):
		t.Fatal("no receipt in time")
		panic("unreachable")
	}
}

func publishMany(t *testing.T, b *redis.Broker, topic string, keys, n int) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		r := &broker.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%keys), Value: fmt.Appendf(nil, "%d", i), ID: strconv.Itoa(i)}
		b.Sends().Produce(t.Context(), r, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Errorf("publish %d: %v", i, err)
			}
			wg.Done()
		})
	}
	wg.Wait()
}

func join(t *testing.T, b *redis.Broker, g broker.Group) broker.Member {
	t.Helper()
	m, err := b.Join(t.Context(), g)
	if err != nil {
		t.Fatalf("join: %v", err)
	}
	t.Cleanup(func() { leave(t, m) })
	return m
}

func leave(t *testing.T, m broker.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Errorf("close member: %v", err)
	}
}

func group(topic string, handle func(broker.Delivery), change ...func(*broker.Group)) broker.Group {
	g := broker.Group{Name: "g", Subscriptions: []broker.Subscription{{Topic: topic, Concurrency: 4, Handle: handle}}}
	for _, c := range change {
		c(&g)
	}
	return g
}

// until polls a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing received in time")
		panic("unreachable")
	}
}

// book collects what handlers saw.
type book struct {
	mu   sync.Mutex
	seen []string
}

func (b *book) add(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, s)
}

func (b *book) list() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.seen...)
}

func (b *book) len() int { return len(b.list()) }

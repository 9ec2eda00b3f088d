package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	ID  string `json:"id"`
	Key string `json:"key"`
	N   int    `json:"n"`
}

type receipt struct {
	ID string `json:"id"`
}

var (
	orders   = topics.Event[order]{Name: "orders", Key: func(o order) string { return o.Key }}
	receipts = topics.Event[receipt]{Name: "receipts"}
	byID     = topics.Event[receipt]{Name: "receipts", Key: func(r receipt) string { return r.ID }}
)

func receiptOf(_ context.Context, o order) (receipt, error) { return receipt{o.ID}, nil }

func receiptsOf(_ context.Context, os []order) ([]receipt, error) {
	rs := make([]receipt, len(os))
	for i, o := range os {
		rs[i] = receipt{o.ID}
	}
	return rs, nil
}

func quietLog() router.RouterOption {
	return router.Logger(slog.New(slog.DiscardHandler))
}

// running starts a router and stops it at the end of the test.
func running(t *testing.T, r *router.Router) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Running():
	case err := <-ended:
		t.Fatalf("router did not start: %v", err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("router stopped with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// onMemory runs f in a bubble, with time of its own, on a fresh broker.
func onMemory(t *testing.T, f func(t *testing.T, b *memory.Broker)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, memory.New()) })
}

func newRouter(b broker.Broker, opts ...router.RouterOption) *router.Router {
	return router.New(b, append([]router.RouterOption{quietLog(), router.Service("shop")}, opts...)...)
}

func publish[T any](t *testing.T, r *router.Router, topic topics.Topic[T], vs ...T) {
	t.Helper()
	if err := router.NewPublisher(r, topic).Publish(t.Context(), vs...); err != nil {
		t.Fatal(err)
	}
}

func header(r *broker.Record, name string) string {
	v, _ := r.Headers.Get(name)
	return string(v)
}

// log collects lines from handlers.
type lines struct {
	mu sync.Mutex
	at []string
}

func (l *lines) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = append(l.at, fmt.Sprintf(format, args...))
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.at...)
}

// elapse lets the time of a bubble go by.
func elapse(d time.Duration) {
	<-time.After(d)
}

var errBusy = errors.New("busy")

// numbered returns three orders of a key.
func numbered(key string) (os []order) {
	for i := range 3 {
		os = append(os, order{ID: key + strconv.Itoa(i), Key: key, N: i})
	}
	return os
}

func seconds(since time.Time) string { return fmt.Sprintf("%.0fs", time.Since(since).Seconds()) }

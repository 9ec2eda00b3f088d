package brokertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const (
	// tick is how often a condition is polled.
	tick = 5 * time.Millisecond
	// afterCrash is how long closing may take what has crashed.
	afterCrash = 500 * time.Millisecond
)

// bench is what a case works with.
type bench struct {
	testing.TB

	s     *suite
	group string
	gates []*gate
}

func newBench(t testing.TB, s *suite) *bench {
	t.Helper()
	return &bench{TB: t, s: s, group: unique("group")}
}

func unique(prefix string) string {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	return prefix + "-" + hex.EncodeToString(id[:])
}

// within bounds what must happen.
func (b *bench) within() context.Context {
	return b.withinTime(b.s.patience)
}

func (b *bench) withinTime(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), d)
	b.Cleanup(cancel)
	return ctx
}

// until polls until ok.
func (b *bench) until(what string, ok func() bool) {
	b.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	deadline := time.NewTimer(b.s.patience)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			b.Fatalf("not within %v: %s", b.s.patience, what)
		}
	}
}

// receive takes a value that must come.
func receive[V any](b *bench, what string, c <-chan V) V {
	b.Helper()
	deadline := time.NewTimer(b.s.patience)
	defer deadline.Stop()
	select {
	case v := <-c:
		return v
	case <-deadline.C:
		b.Fatalf("not within %v: %s", b.s.patience, what)
		panic("unreachable")
	}
}

// gate keeps handlers until it is opened, at the latest at the end of the case.
type gate struct {
	once sync.Once
	c    chan struct{}
}

func (b *bench) gate() *gate {
	g := &gate{c: make(chan struct{})}
	b.gates = append(b.gates, g)
	return g
}

func (g *gate) open() { g.once.Do(func() { close(g.c) }) }
func (g *gate) wait() { <-g.c }

// topic creates a topic.
func (b *bench) topic(in *instance, partitions int, change ...func(*broker.TopicConfig)) string {
	b.Helper()
	c := broker.TopicConfig{Name: unique("conformance"), Partitions: partitions}
	for _, f := range change {
		f(&c)
	}
	b.create(in, c)
	return c.Name
}

func (b *bench) create(in *instance, c broker.TopicConfig) {
	b.Helper()
	if err := in.CreateTopics(b.within(), c); err != nil {
		b.Fatalf("create topic %s: %v", c.Name, err)
	}
}

package brokertest

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/leat-go/leat/router/broker"
)

// leakLabel marks the goroutines that a case starts: others inherit it.
const leakLabel = "brokertest"

// leaks uses everything that may start a goroutine and looks for what is left of those.
func leaks(b *bench) {
	useAndCleanUp(b) // what lives as long as the process, begins here
	mark := unique("leak")
	pprof.Do(b.Context(), pprof.Labels(leakLabel, mark), func(context.Context) { useAndCleanUp(b) }) //nolint:contextcheck // only the labels matter
	var left []string
	defer func() {
		if b.Failed() {
			b.Logf("goroutines that are left:\n%s", strings.Join(left, "\n\n"))
		}
	}()
	b.until("all goroutines end", func() bool {
		left = marked(mark)
		return len(left) == 0
	})
}

// scope is a part of a test that cleans up at its own end. Like a test it may be used by
// several goroutines.
type scope struct {
	testing.TB

	mu       sync.Mutex
	cleanups []func()
}

func (s *scope) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

func (s *scope) end() {
	for f := s.last(); f != nil; f = s.last() {
		f()
	}
}

// last takes the cleanup that was added last, nil when there is none.
func (s *scope) last() (f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.cleanups); n > 0 {
		f, s.cleanups = s.cleanups[n-1], s.cleanups[:n-1]
	}
	return f
}

func useAndCleanUp(b *bench) {
	b.Helper()
	s := &scope{TB: b.TB}
	defer s.end()
	use(newBench(s, b.s))
}

func use(b *bench) {
	b.Helper()
	in, topic := b.stage(2)
	in.publish(texts(topic, "a1", "b1")...)
	var got, all seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: got.done})
	in.joinGroup(broker.Group{Name: b.group + "-all", Broadcast: true, Subscriptions: []broker.Subscription{
		{Topic: topic, Start: broker.StartEarliest, Handle: all.done},
	}})
	got.wait(b, 2)
	all.wait(b, 2)
	in.read(topic)
	in.close()
}

// marked returns the stacks of the goroutines with a mark.
func marked(mark string) (stacks []string) {
	var buf bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&buf, 1) // memory takes all
	for stack := range strings.SplitSeq(buf.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

package routertest

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// atOnce is how many semantics of a door are tried at once. They wait more than they work.
const atOnce = 8

// outcome is the attribute of a subtest (see testing.T.Attr) that says why its semantic was not tried.
const outcome = "conformance"

// semantic is one thing that a handler is promised.
type semantic struct {
	name string
	run  func(*bench)
}

// semantics is every semantic, by subject.
var semantics = slices.Concat(attemptCases, deadLetterCases, orderCases, loadCases, outputCases, stopCases)

// Names returns the names of all semantics, in the order of the reference.
func Names() (names []string) {
	for _, s := range semantics {
		names = append(names, s.name)
	}
	return names
}

// Doors returns the names of the doors that each semantic is tried through.
func Doors() (names []string) {
	for _, d := range doors {
		names = append(names, d.name)
	}
	return names
}

// Option changes what [Run] expects.
type Option interface{ apply(*suite) }

type optionFunc func(*suite)

func (f optionFunc) apply(s *suite) { f(s) }

// Cannot declares that a backend does not meet a semantic through any door, and why. It is
// then not tried, and reported as not met. A name that no semantic has fails the test.
func Cannot(name, reason string) Option {
	return optionFunc(func(s *suite) { s.cannot[name] = reason })
}

// Patience is how long a test waits for what must happen before it fails. Default one minute.
func Patience(d time.Duration) Option {
	return optionFunc(func(s *suite) { s.patience = d })
}

type suite struct {
	open     func(testing.TB) broker.Broker
	cannot   map[string]string
	patience time.Duration
}

func newSuite(open func(testing.TB) broker.Broker, opts []Option) *suite {
	s := &suite{open: open, cannot: map[string]string{}, patience: time.Minute}
	for _, o := range opts {
		o.apply(s)
	}
	return s
}

// Run tries every semantic through every door. Each call of open within one subtest returns
// another client to the same server, as another instance of a service has it; open also sees
// to its end.
func Run(t *testing.T, open func(testing.TB) broker.Broker, opts ...Option) {
	t.Helper()
	s := newSuite(open, opts)
	for _, name := range s.unknown() {
		t.Errorf("there is no semantic %q to declare with routertest.Cannot", name)
	}
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) { s.through(t, d) })
	}
}

// unknown are the names that were declared and no semantic has.
func (s *suite) unknown() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.cannot)), func(name string) bool { return slices.Contains(Names(), name) })
}

// through tries every semantic through one door.
func (s *suite) through(t *testing.T, d door) {
	t.Helper()
	places := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for _, c := range semantics {
		places <- struct{}{}
		running.Go(func() {
			// Not t.Parallel: how many of them wait at once has nothing to do with cores.
			t.Run(c.name, func(t *testing.T) { s.try(t, d, c) })
			<-places
		})
	}
	running.Wait()
}

func (s *suite) try(t testing.TB, d door, c semantic) {
	t.Helper()
	if reason, ok := s.cannot[c.name]; ok {
		why := "not met: " + reason
		t.Attr(outcome, why)
		t.Skip(why)
	}
	c.run(newBench(t, s, d))
}

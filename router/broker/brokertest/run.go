package brokertest

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// suite is what the options of a run say.
type suite struct {
	open     func(testing.TB) broker.Broker
	cannot   map[string]string
	notFor   map[string]string
	crash    func(broker.Broker, []broker.Member)
	away     func(broker.Broker) (back func())
	patience time.Duration
	atOnce   int
}

// outcome is the attribute of a subtest (see testing.T.Attr) that says why its case did not run.
const outcome = "conformance"

// Run runs every case as a subtest. Each call of open within one subtest returns another
// client to the same server, as another instance of a service has it; Run connects and
// closes it. Servers may be shared between the cases.
func Run(t *testing.T, open func(testing.TB) broker.Broker, opts ...Option) {
	t.Helper()
	s := newSuite(open, opts)
	for _, name := range s.unknown() {
		t.Errorf("there is no case %q to declare with brokertest.Cannot or NotFor", name)
	}
	places := make(chan struct{}, s.atOnce)
	var running sync.WaitGroup
	for _, c := range cases {
		places <- struct{}{}
		running.Go(func() {
			// Not t.Parallel: how many cases wait at once has nothing to do with cores.
			t.Run(c.name, func(t *testing.T) { s.run(t, c) })
			<-places
		})
	}
	running.Wait()
}

func newSuite(open func(testing.TB) broker.Broker, opts []Option) *suite {
	s := &suite{open: open, cannot: map[string]string{}, notFor: map[string]string{}, patience: time.Minute, atOnce: 8}
	for _, o := range opts {
		o.apply(s)
	}
	return s
}

// unknown are the names that were declared and no case has.
func (s *suite) unknown() (names []string) {
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(s.cannot)), slices.Sorted(maps.Keys(s.notFor))) {
		if !slices.ContainsFunc(cases, func(c testCase) bool { return c.name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// run runs a case, or says why not.
func (s *suite) run(t testing.TB, c testCase) {
	t.Helper()
	if why := s.whyNot(c); why != "" {
		t.Attr(outcome, why)
		t.Skip(why)
	}
	c.run(newBench(t, s))
}

func (s *suite) whyNot(c testCase) string {
	if reason, ok := s.cannot[c.name]; ok {
		return "not met: " + reason
	}
	if reason, ok := s.notFor[c.name]; ok {
		return "not applicable: " + reason
	}
	if c.crashes && s.crash == nil {
		return "not run: no brokertest.Crash was given"
	}
	if c.away && s.away == nil {
		return "not run: no brokertest.Away was given"
	}
	return ""
}

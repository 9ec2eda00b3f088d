package brokertest

import (
	"slices"
	"sync"

	"github.com/leat-go/leat/router/broker"
)

// sight is a delivery as a handler saw it.
type sight struct {
	Value   string
	Attempt int
}

// seen collects what handlers see. Several of them may share it.
type seen struct {
	mu      sync.Mutex
	sights  []sight
	records []*broker.Record
	running map[string]int // handlers of a key
	now     int
	most    int // handlers at once
	mostKey int // of one key
}

func (s *seen) add(d broker.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sights = append(s.sights, sight{string(d.Record().Value), d.Attempt()})
	s.records = append(s.records, d.Record())
}

// done notes the delivery and finishes it.
func (s *seen) done(d broker.Delivery) {
	s.add(d)
	d.Done()
}

// begin and end enclose what a handler does.
func (s *seen) begin(d broker.Delivery) {
	s.add(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running = map[string]int{}
	}
	key := string(d.Record().Key)
	s.running[key]++
	s.now++
	s.most, s.mostKey = max(s.most, s.now), max(s.mostKey, s.running[key])
}

func (s *seen) end(d broker.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[string(d.Record().Key)]--
	s.now--
}

// atOnce is how many handlers ran at the same time, in all and of one key.
func (s *seen) atOnce() (all, ofKey int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most, s.mostKey
}

func (s *seen) runningNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *seen) all() []*broker.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

func (s *seen) list() []sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sights)
}

func (s *seen) values() []string { return values(s.all()) }

func (s *seen) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

// distinct is how many messages came, however often.
func (s *seen) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]struct{}{}
	for _, r := range s.records {
		ids[r.ID] = struct{}{}
	}
	return len(ids)
}

func (s *seen) has(value string) bool { return slices.Contains(s.values(), value) }

func (s *seen) wait(b *bench, n int) {
	b.Helper()
	b.until("enough deliveries", func() bool { return s.len() >= n })
}

func (s *seen) waitFor(b *bench, vs ...string) {
	b.Helper()
	for _, v := range vs {
		b.until("delivery of "+v, func() bool { return s.has(v) })
	}
}

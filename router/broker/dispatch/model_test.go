package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestModel lets handlers do all they may, at random, and compares with what must hold
// whatever they do.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newModel(t, seed).run() })
		})
	}
}

// model is what a careful observer knows of an engine.
type model struct {
	t    *testing.T
	seed uint64

	mu       sync.Mutex
	rnd      *rand.Rand
	inHand   map[lineID]string // who is with a handler or a task
	ran      map[lineID]int64  // position of the last first attempt
	attempts map[itemID]int
	ended    map[itemID]int // times that Finished was called
	tasks    int            // not run yet
}

type lineID struct {
	partition int32
	key       string
}

type itemID struct {
	partition int32
	position  int64
}

func id(it *item) itemID   { return itemID{it.Partition().ID, it.Position} }
func line(it *item) lineID { return lineID{it.Partition().ID, it.Key()} }

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	return &model{
		t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)),
		inHand: map[lineID]string{}, ran: map[lineID]int64{}, attempts: map[itemID]int{}, ended: map[itemID]int{},
	}
}

func (m *model) n(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rnd.IntN(n)
}

func (m *model) config() config {
	cfg := config{
		Concurrency: 1 + m.n(8), Records: 200 + m.n(500), Span: 200 + m.n(500),
		Finished: m.finished, Parked: func(*item) { pause(time.Duration(m.n(2)) * time.Millisecond) },
	}
	if m.seed%3 == 0 {
		cfg.BatchSize, cfg.BatchWait = 1+m.n(20), time.Duration(m.n(30))*time.Millisecond
		cfg.RunBatch = m.runBatch
	} else {
		cfg.Run = m.runOne
	}
	return cfg
}

func (m *model) run() {
	e := start(m.t, m.config())
	var wg sync.WaitGroup
	var ps []*partition
	var fed []int64
	for i := range 1 + m.n(4) {
		p := e.Assign(int32(i), 0)
		ps, fed = append(ps, p), append(fed, 0)
		wg.Go(func() { fed[i] = m.feed(p) })
	}
	wg.Wait()
	untilFinished(m.t, e)
	e.Drain(m.t.Context())
	for i, p := range ps {
		m.check(p, fed[i])
	}
}

// feed returns the position after the last one.
func (m *model) feed(p *partition) (next int64) {
	for range 300 {
		if err := p.Wait(m.t.Context()); err != nil {
			m.t.Error(err)
		}
		next += int64(m.n(3)) // gaps
		en := entry{Position: next, Key: []byte(fmt.Sprint("k", m.n(12))), Size: m.n(100), Finished: m.n(10) == 0}
		m.expect(p, en)
		p.Feed(en)
		next++
		pause(time.Duration(m.n(3)) * time.Millisecond)
	}
	return next
}

func (m *model) expect(p *partition, en entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !en.Finished {
		m.ended[itemID{p.ID, en.Position}] = 0
	}
}

func (m *model) runOne(it *item) {
	if m.begin(it) == 1 {
		m.inOrder(it)
	}
	pause(time.Duration(m.n(4)) * time.Millisecond)
	m.free(it)
	m.end(it)
}

func (m *model) runBatch(b []*item) {
	lines := map[lineID]*item{} // of each line the last
	for _, it := range b {
		if lines[line(it)] == nil {
			m.begin(it)
		}
		lines[line(it)] = it
		if it.Attempt() == 1 {
			m.inOrder(it)
		}
	}
	pause(time.Duration(m.n(10)) * time.Millisecond)
	for _, it := range lines {
		m.free(it)
	}
	for _, it := range b {
		m.end(it)
	}
}

// begin notes that a line is in hand and returns the attempt.
func (m *model) begin(it *item) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if other, ok := m.inHand[line(it)]; ok {
		m.t.Errorf("position %d while %s is in hand", it.Position, other)
	}
	m.inHand[line(it)] = fmt.Sprint("position ", it.Position)
	if want := m.attempts[id(it)] + 1; it.Attempt() != want {
		m.t.Errorf("attempt %d of %v, want %d", it.Attempt(), id(it), want)
	}
	return it.Attempt()
}

// inOrder wants first attempts in the order of the log.
func (m *model) inOrder(it *item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last, ok := m.ran[line(it)]; ok && last >= it.Position {
		m.t.Errorf("position %d of %v runs behind %d", it.Position, line(it), last)
	}
	m.ran[line(it)] = it.Position
}

func (m *model) free(it *item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.inHand, line(it))
}

// end does one of the things that a router does with an item.
func (m *model) end(it *item) {
	last := it.Attempt() > 3
	switch choice := m.n(10); {
	case choice < 5 || last && choice < 7:
		it.Done()
	case choice < 7:
		m.park(it)
	case choice == 7:
		it.Release()
		m.later(it.Done)
	case choice == 8:
		it.Release()
		m.later(func() { it.Hold(); m.later(it.Done) })
	default:
		it.Release()
		m.later(func() { it.Then(m.task(it)); it.Done() })
	}
}

func (m *model) park(it *item) {
	m.mu.Lock()
	m.attempts[id(it)]++
	m.mu.Unlock()
	it.Park(it.Attempt()+1, time.Now().Add(time.Duration(m.n(50))*time.Millisecond), time.Now())
}

func (m *model) later(f func()) { time.AfterFunc(time.Duration(m.n(20))*time.Millisecond, f) }

// task is a function that wants its line for itself.
func (m *model) task(it *item) func() {
	m.mu.Lock()
	m.tasks++
	m.mu.Unlock()
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.tasks--
		if other, ok := m.inHand[line(it)]; ok {
			m.t.Errorf("a task of %v while %s is in hand", line(it), other)
		}
	}
}

func (m *model) finished(it *item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[id(it)]++
}

func (m *model) check(p *partition, next int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, n := range m.ended {
		if n != 1 {
			m.t.Errorf("%v finished %d times", id, n)
		}
	}
	if m.tasks != 0 {
		m.t.Errorf("%d tasks did not run", m.tasks)
	}
	if diff := cmp.Diff(dispatch.Progress{Next: next}, p.Progress()); diff != "" {
		m.t.Error(diff)
	}
}

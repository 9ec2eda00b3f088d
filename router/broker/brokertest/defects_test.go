package brokertest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
)

type defective struct {
	name, noticed string
	defect
}

// defects are backends that do one thing wrong each, and the case that must notice.
var defects = []defective{
	{"drops an acknowledgement", "nothing finished comes again after a restart", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return neverDone{d} },
	}},
	{"swaps two records of a key", "messages published without waiting keep their order per key", defect{sends: swap()}},
	{"commits before the handler is done", "what was being handled at a crash comes again", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { d.Done(); return d },
	}},
	{"commits what is only released", "what was released and not done at a crash comes again", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return releaseIsDone{d} },
	}},
	{"takes a tombstone for an empty value", "tombstones and empty values are told apart", defect{
		produce: func(r *broker.Record) { r.Value = append([]byte{}, r.Value...) },
	}},
	{"repeats a finished record after a restart", "nothing finished comes again after a restart", defect{deliver: remember, joined: repeat}},
	{"repeats a finished record while another waits", "nothing finished comes again while an older message waits", defect{deliver: remember, joined: repeat}},
	{"forgets attempts", "attempts survive a restart", defect{deliver: forgetAttempts}},
	{"counts interrupted attempts", "an interrupted attempt is not counted", defect{
		deliver: func(s *store, d broker.Delivery) broker.Delivery { return miscounted{d, s} },
	}},
	{"delivers two of a key at once", "order per key at concurrency 10", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { d.Release(); return d },
	}},
	{"drops repeats of headers", "headers keep their order and repeats", defect{produce: dropRepeats}},
	{"ignores Hold", "a held key waits until its message is done", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return noHold{d} },
	}},
	{"ignores Hold", "a held key waits until its message is parked", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return noHold{d} },
	}},
	{"runs at once what is to run then", "what a delivery asks to run then, runs before what follows in its key", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return thenAtOnce{d} },
	}},
	{"finishes what is returned", "a returned message is left to the next owner, and its key waits", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return returnIsDone{d} },
	}},
	{"parks for no time", "a parked message comes again when it is due, before what follows in its key", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return impatient{d} },
	}},
	{"waits in the worker for what is parked", "a parked key holds up nobody else", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return sleeper{d} },
	}},
	{"has no bounds", "the bound of records pauses and resumes", defect{group: unbounded}},
	{"has no bounds", "the bound of bytes pauses and resumes", defect{group: unbounded}},
	{"has no bounds", "the bound of the span pauses and resumes", defect{group: unbounded}},
	{"starts at the earliest message always", "a new group may start at the latest message", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartEarliest },
	}},
	{"chooses a start that is not allowed", "a group that may not choose its start is refused", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartEarliest },
	}},
	{"shares a broadcast", "a broadcast reaches every instance", defect{
		group: func(g *broker.Group) { g.Broadcast = false },
	}},
	{"has one group for all", "every group receives each message once", defect{
		group: func(g *broker.Group) { g.Name = "all" },
	}},
	{"has one worker", "different keys are handled side by side", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Concurrency = 1 },
	}},
	{"has more workers than asked for", "order per key at concurrency 1", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Concurrency = 5 },
	}},
	{"gives keyless messages no order", "messages without a key keep their order", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Unordered = true },
	}},
	{"makes batches too small", "a batch is full at its size", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].BatchSize = 3 },
	}},
	{"waits for a full batch", "a batch is handed over when its wait is over", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].BatchWait = time.Hour },
	}},
	{"drops ids", "ids travel with messages", defect{produce: func(r *broker.Record) { r.ID = "" }}},
	{"drops times", "timestamps are kept to the millisecond", defect{produce: func(r *broker.Record) { r.Time = time.Now() }}},
	{"cuts values", "a value of a million bytes", defect{produce: func(r *broker.Record) { r.Value = r.Value[:min(len(r.Value), 1<<16)] }}},
	{"does not wait in Close", "Close waits for running handlers", defect{member: func(_ *store, m broker.Member) broker.Member { return hasty{m} }}},
	{"leaves a goroutine behind", "no goroutine is left after Close", defect{member: func(_ *store, m broker.Member) broker.Member {
		go func() { <-time.After(8 * time.Second) }()
		return m
	}}},
	{"answers no error after Close", "calls after Close answer ErrClosed", defect{neverCloses: true}},
}

func allDefects() []defective {
	return slices.Concat(defects, rareDefects, moreDefects, cornerDefects, awayDefects)
}

func TestDefectsAreNoticed(t *testing.T) {
	t.Parallel()
	atOnce(t, allDefects(), func(d defective) string { return d.name + ": " + d.noticed }, func(t *testing.T, d defective) {
		t.Helper()
		s := &store{Broker: memory.New(), defect: d.defect}
		if len(failures(t, d.noticed, 2*time.Second, s.open)) == 0 {
			t.Error("the case passes")
		}
	})
}

// TestTheStoreOfDefectsHasNone makes sure that the defect is what a case notices.
func TestTheStoreOfDefectsHasNone(t *testing.T) {
	t.Parallel()
	atOnce(t, defectsByCase(), func(d defective) string { return d.noticed }, func(t *testing.T, d defective) {
		t.Helper()
		s := &store{Broker: memory.New()}
		for _, fault := range failures(t, d.noticed, 30*time.Second, s.open) {
			t.Error(fault)
		}
	})
}

// defectsByCase has one defect for each case that notices any.
func defectsByCase() (ds []defective) {
	seen := map[string]bool{}
	for _, d := range allDefects() {
		if !seen[d.noticed] {
			ds = append(ds, d)
		}
		seen[d.noticed] = true
	}
	return ds
}

// atOnce runs subtests that wait more than they work.
func atOnce[E any](t *testing.T, es []E, name func(E) string, f func(*testing.T, E)) {
	t.Helper()
	places := make(chan struct{}, 8)
	var running sync.WaitGroup
	for _, e := range es {
		places <- struct{}{}
		running.Go(func() {
			t.Run(name(e), func(t *testing.T) { f(t, e) })
			<-places
		})
	}
	running.Wait()
}

func (s *store) open(testing.TB) broker.Broker {
	return client{s, new(atomic.Bool), &way{defect: s.defect}}
}

type neverDone struct{ broker.Delivery }

func (d neverDone) Done() { d.Release() }

type releaseIsDone struct{ broker.Delivery }

func (d releaseIsDone) Release() { d.Done() }

type returnIsDone struct{ broker.Delivery }

func (d returnIsDone) Return() { d.Done() }

type noHold struct{ broker.Delivery }

func (noHold) Hold() {}

type thenAtOnce struct{ broker.Delivery }

func (thenAtOnce) Then(f func()) { go f() }

type impatient struct{ broker.Delivery }

func (d impatient) Park(attempt int, _, failed time.Time) {
	d.Delivery.Park(attempt, time.Time{}, failed)
}

type sleeper struct{ broker.Delivery }

func (d sleeper) Park(attempt int, due, failed time.Time) {
	<-time.After(time.Until(due))
	d.Delivery.Park(attempt, due, failed)
}

// swap holds back every tenth record until the next one of its key is written.
func swap() func(broker.Producer) broker.Producer {
	s := &swapper{}
	return func(p broker.Producer) broker.Producer { return swapping{p, s} }
}

type swapper struct {
	mu   sync.Mutex
	n    int
	held map[string]func()
}

type swapping struct {
	broker.Producer
	s *swapper
}

func (p swapping) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.n++
	if p.s.held == nil {
		p.s.held = map[string]func(){}
	}
	write := func() { p.Producer.Produce(ctx, r, done) }
	if p.s.n%1000 == 100 {
		p.s.held[string(r.Key)] = write
		return
	}
	write()
	if held := p.s.held[string(r.Key)]; held != nil {
		delete(p.s.held, string(r.Key))
		held()
	}
}

// remember and repeat keep the first record that is finished and deliver it once more after
// the next join.
func remember(s *store, d broker.Delivery) broker.Delivery { return remembering{d, s} }

type remembering struct {
	broker.Delivery
	s *store
}

func (d remembering) Done() {
	d.s.mu.Lock()
	if d.s.first == nil {
		d.s.first = d.Record()
	}
	d.s.mu.Unlock()
	d.Delivery.Done()
}

func repeat(s *store, handle func(broker.Delivery)) {
	s.mu.Lock()
	r, again := s.first, s.joins == 2
	s.mu.Unlock()
	if again && r != nil {
		handle(ghost{r})
	}
}

// ghost is a delivery that nobody waits for.
type ghost struct{ r *broker.Record }

func (g ghost) Record() *broker.Record       { return g.r }
func (ghost) Attempt() int                   { return 1 }
func (ghost) FirstFailed() time.Time         { return time.Time{} }
func (ghost) Context() context.Context       { return context.Background() }
func (ghost) Release()                       {}
func (ghost) Hold()                          {}
func (ghost) Then(func())                    {}
func (ghost) Done()                          {}
func (ghost) Park(int, time.Time, time.Time) {}
func (ghost) Return()                        {}

// forgetAttempts is what an owner does that knows nothing of the one before.
func forgetAttempts(s *store, d broker.Delivery) broker.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joins > 1 {
		return forgetful{d}
	}
	return d
}

type forgetful struct{ broker.Delivery }

func (forgetful) Attempt() int { return 1 }

// miscounted counts what is returned as an attempt.
type miscounted struct {
	broker.Delivery
	s *store
}

func (d miscounted) Attempt() int {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.Delivery.Attempt() + d.s.joins - 1
}

func dropRepeats(r *broker.Record) {
	var hs broker.Headers
	for _, h := range r.Headers {
		if !slices.ContainsFunc(hs, func(o broker.Header) bool { return o.Key == h.Key }) {
			hs = append(hs, h)
		}
	}
	r.Headers = hs
}

func unbounded(g *broker.Group) {
	g.Subscriptions[0].Bounds = broker.Bounds{Records: 1 << 20, Bytes: 1 << 40, Span: 1 << 20}
}

type hasty struct{ broker.Member }

func (m hasty) Close(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return m.Member.Close(ctx)
}

package brokertest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// moreDefects are wrong always, in a corner each.
var moreDefects = []defective{
	{"acknowledges before it has stored", "what is acknowledged can be read at once", defect{sends: func(p broker.Producer) broker.Producer { return hopeful{p} }}},
	{"loses the last message of a batch", "a batch is full at its size", defect{batch: func(ds []broker.Delivery) []broker.Delivery {
		ds[len(ds)-1].Done()
		return ds[:len(ds)-1]
	}}},
	{"turns a batch around", "batches hold the messages of a key in order", defect{batch: func(ds []broker.Delivery) []broker.Delivery {
		slices.Reverse(ds)
		return ds
	}}},
	{"loses the last message before a flush", "Flush waits until everything is acknowledged", defect{sends: withoutLast()}},
	{"does not wait in Flush", "Flush waits until everything is acknowledged", defect{sends: func(p broker.Producer) broker.Producer { return restless{p} }}},
	{"fails the neighbours of what is too large", "a message that is too large fails alone", defect{sends: failingNeighbours()}},
	{"finds nothing too large", "a message that is too large is refused by Check", defect{unchecked: true}},
	{"fails the next publish of a caller that gave up", "a caller that gives up fails nobody else's publish", defect{sends: grudging()}},
	{"blocks in a second Close", "closing twice and at once is no error", defect{member: func(_ *store, m broker.Member) broker.Member {
		return &stubborn{Member: m}
	}}},
	{"fails in a second Close", "closing twice and at once is no error", defect{member: func(_ *store, m broker.Member) broker.Member {
		return &fussy{Member: m}
	}}},
	{"leaves a goroutine behind for each publish", "no goroutine is left after Close", defect{produce: func(*broker.Record) {
		go func() { <-time.After(8 * time.Second) }()
	}}},
	{"leaves a goroutine behind for each reading", "no goroutine is left after Close", defect{read: func(*broker.ReadOptions) {
		go func() { <-time.After(8 * time.Second) }()
	}}},
	{"repeats a finished record only while another key is parked", "nothing finished comes again while an older message waits", defect{
		deliver: func(s *store, d broker.Delivery) broker.Delivery { return watching{remembering{d, s}, s} },
		joined: func(s *store, handle func(broker.Delivery)) {
			s.mu.Lock()
			parked := s.marked["parked"]
			s.mu.Unlock()
			if parked {
				repeat(s, handle)
			}
		},
	}},
	{"commits the highest finished message", "a returned message is left to the next owner, and its key waits", defect{
		deliver: func(s *store, d broker.Delivery) broker.Delivery { return highest{d, s} },
	}},
	{"starts at the latest message always", "a new group may start at the earliest message", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartLatest },
	}},
	{"ignores where a group is to start", "a new group may start at the latest message", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartDefault },
	}},
	{"starts every group but the first at the latest message", "a group that is added later has a start of its own", defect{group: laterAtTheEnd()}},
	{"starts a broadcast at the latest message", "a broadcast from the earliest message", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartLatest },
	}},
	{"gives a broadcast to one member", "a broadcast reaches every instance", defect{handle: toOne()}},
	{"does not end the context of a handler", "Close ends the contexts of handlers at its deadline", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return endless{d} },
	}},
	{"ends the context of a handler at once", "Close waits for running handlers", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return ended{d} },
	}},
	{"forgets what is to run then", "what a delivery asks to run then, runs before what follows in its key", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return noThen{d} },
	}},
	{"ignores Release", "a released message lets the next of its key run", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return noRelease{d} },
	}},
	{"orders what has no key", "unordered messages without a key are handled side by side", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Unordered = false },
	}},
	{"forgets when a message first failed", "a parked message comes as the attempt it was parked for", defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return young{d} },
	}},
	{"reads past a time", "reading until a time", defect{read: func(o *broker.ReadOptions) { o.Until, o.UntilEnd = time.Time{}, true }}},
	{"reads from before a time", "reading since a time", defect{read: func(o *broker.ReadOptions) { o.Since, o.Start = time.Time{}, broker.StartEarliest }}},
	{"reads old messages", "reading from the latest message", defect{read: func(o *broker.ReadOptions) { o.Start = broker.StartEarliest }}},
	{"skips the first message", "reading from the earliest message to the end", defect{reads: func(rs []*broker.Record) []*broker.Record { return rs[min(1, len(rs)):] }}},
	{"reads the first topic alone", "reading several topics", defect{read: func(o *broker.ReadOptions) { o.Topics = o.Topics[:1] }}},
	{"creates a partition too few", "a topic has the partitions it was created with", defect{create: func(c *broker.TopicConfig) { c.Partitions = max(1, c.Partitions-1) }}},
	{"lists topics in no order", "topics are listed by name", defect{list: func(infos []broker.TopicInfo) []broker.TopicInfo {
		slices.Reverse(infos)
		return infos
	}}},
	{"hides a topic", "topics are listed by name", defect{list: func(infos []broker.TopicInfo) []broker.TopicInfo { return infos[:len(infos)-1] }}},
	{"keeps all of a State topic", "a State topic keeps the latest of each key", defect{create: func(c *broker.TopicConfig) { c.Kind = topics.KindEvent }}},
}

// hopeful acknowledges, and stores later.
type hopeful struct{ broker.Producer }

func (p hopeful) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	later := *r
	time.AfterFunc(20*time.Millisecond, func() {
		p.Producer.Produce(context.WithoutCancel(ctx), &later, func(broker.Receipt, error) {})
	})
	done(broker.Receipt{Topic: r.Topic, Offset: "0", Time: time.Now()}, nil)
}

// withoutLast acknowledges everything and keeps the latest record to itself until another one comes.
func withoutLast() func(broker.Producer) broker.Producer {
	held := &holder{}
	return func(p broker.Producer) broker.Producer { return withholding{p, held} }
}

type holder struct {
	mu   sync.Mutex
	held *broker.Record
}

type withholding struct {
	broker.Producer
	h *holder
}

func (p withholding) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.h.mu.Lock()
	before := p.h.held
	p.h.held = r
	p.h.mu.Unlock()
	if before != nil {
		p.Producer.Produce(ctx, before, func(broker.Receipt, error) {})
	}
	done(broker.Receipt{Topic: r.Topic, Offset: "0", Time: time.Now()}, nil)
}

func (p withholding) Flush(ctx context.Context) error {
	p.h.mu.Lock()
	p.h.held = nil
	p.h.mu.Unlock()
	return p.Producer.Flush(ctx)
}

// restless acknowledges late, and does not wait for that.
type restless struct{ broker.Producer }

func (p restless) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.Producer.Produce(ctx, r, func(rc broker.Receipt, err error) {
		time.AfterFunc(50*time.Millisecond, func() { done(rc, err) })
	})
}

// failingNeighbours sends in pairs: when one of a pair is too large, both fail.
func failingNeighbours() func(broker.Producer) broker.Producer {
	var large atomic.Bool
	return func(p broker.Producer) broker.Producer { return sensitive{p, &large} }
}

type sensitive struct {
	broker.Producer
	large *atomic.Bool
}

func (p sensitive) Check(r *broker.Record) error {
	if r.Size() > limit {
		p.large.Store(true)
		return broker.ErrTooLarge
	}
	return nil
}

func (p sensitive) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if p.large.Swap(false) {
		done(broker.Receipt{}, broker.ErrTooLarge)
		return
	}
	p.Producer.Produce(ctx, r, done)
}

// grudging fails what follows a publish whose caller gave up.
func grudging() func(broker.Producer) broker.Producer {
	var angry atomic.Bool
	return func(p broker.Producer) broker.Producer { return bitter{p, &angry} }
}

type bitter struct {
	broker.Producer
	angry *atomic.Bool
}

func (p bitter) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	context.AfterFunc(ctx, func() { p.angry.Store(true) }) // who fails may have given up too
	if p.angry.Swap(false) {
		done(broker.Receipt{}, context.Canceled)
		return
	}
	p.Producer.Produce(ctx, r, done)
}

// stubborn waits for ever when it is closed again.
type stubborn struct {
	broker.Member
	closed atomic.Bool
}

func (m *stubborn) Close(ctx context.Context) error {
	if m.closed.Swap(true) {
		<-time.After(20 * time.Second)
	}
	return m.Member.Close(ctx)
}

// fussy has an error when it is closed again.
type fussy struct {
	broker.Member
	closed atomic.Bool
}

func (m *fussy) Close(ctx context.Context) error {
	if m.closed.Swap(true) {
		return broker.ErrClosed
	}
	return m.Member.Close(ctx)
}

// watching notes that something was parked.
type watching struct {
	broker.Delivery
	s *store
}

func (d watching) Park(attempt int, due, failed time.Time) {
	d.s.mark("parked")
	d.Delivery.Park(attempt, due, failed)
}

func (s *store) mark(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marked == nil {
		s.marked = map[string]bool{}
	}
	s.marked[what] = true
}

// highest finishes what is given back: something above it may be finished.
type highest struct {
	broker.Delivery
	s *store
}

func (d highest) Return() { d.Done() }

// laterAtTheEnd begins every group but the first at its end.
func laterAtTheEnd() func(*broker.Group) {
	var mu sync.Mutex
	seen := map[string]string{} // the first group, by topic
	return func(g *broker.Group) {
		mu.Lock()
		defer mu.Unlock()
		topic := g.Subscriptions[0].Topic
		if seen[topic] == "" {
			seen[topic] = g.Name
		}
		if seen[topic] != g.Name {
			g.Subscriptions[0].Start = broker.StartLatest
		}
	}
}

// toOne hands each record to the first member that has it.
func toOne() func(*store, broker.Delivery, func(broker.Delivery)) {
	return func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		s.mu.Lock()
		if s.marked == nil {
			s.marked = map[string]bool{}
		}
		had := s.marked[d.Record().ID]
		s.marked[d.Record().ID] = true
		s.mu.Unlock()
		if had {
			d.Done()
			return
		}
		inner(d)
	}
}

type endless struct{ broker.Delivery }

func (endless) Context() context.Context { return context.Background() }

type ended struct{ broker.Delivery }

func (ended) Context() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

type noThen struct{ broker.Delivery }

func (noThen) Then(func()) {}

type noRelease struct{ broker.Delivery }

func (noRelease) Release() {}

type young struct{ broker.Delivery }

func (young) FirstFailed() time.Time { return time.Time{} }

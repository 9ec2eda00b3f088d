package memory

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// fetchSize is how many records a reader takes at once.
const fetchSize = 500

type (
	engine = dispatch.Engine[*broker.Record]
	item   = dispatch.Item[*broker.Record]
)

type member struct {
	g       *group
	engines map[string]*engine
	leave   sync.Once
}

func newMember(g *group, spec broker.Group) *member {
	m := &member{g: g, engines: map[string]*engine{}}
	for _, s := range spec.Subscriptions {
		m.engines[s.Topic] = dispatch.New(m.config(s))
	}
	return m
}

func (m *member) config(s broker.Subscription) dispatch.Config[*broker.Record] {
	c := dispatch.Config[*broker.Record]{
		Concurrency: s.Concurrency, Unordered: s.Unordered, BatchSize: s.BatchSize, BatchWait: s.BatchWait,
		Records: s.Bounds.Records, Bytes: s.Bounds.Bytes, Span: s.Bounds.Span,
		Finished: func(it *item) {
			m.g.finished(place{s.Topic, it.Partition().ID}, it.Partition().Next())
		},
	}
	if s.HandleBatch == nil {
		c.Run = func(it *item) { s.Handle(it) }
		return c
	}
	c.RunBatch = func(its []*item) {
		ds := make([]broker.Delivery, len(its))
		for i, it := range its {
			ds[i] = it
		}
		s.HandleBatch(ds)
	}
	return c
}

// Ready is always true.
func (m *member) Ready() bool { return true }

// Failed never receives: memory does not fail.
func (m *member) Failed() <-chan error { return nil }

// Close leaves the group once what runs has ended.
func (m *member) Close(ctx context.Context) error {
	m.leave.Do(func() {
		m.g.leave(ctx, m)
		m.stop()
	})
	return nil
}

func (m *member) stop() {
	for _, e := range m.engines {
		e.Close()
	}
}

// reader feeds one partition to one member.
type reader struct {
	m       *member
	at      place
	p       *dispatch.Partition[*broker.Record]
	stop    context.CancelFunc
	stopped chan struct{}
}

func (m *member) read(at place, from dispatch.Progress) *reader {
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{m, at, m.engines[at.topic].Assign(at.partition, from.Next), stop, make(chan struct{})}
	go r.run(ctx, from)
	return r
}

func (r *reader) run(ctx context.Context, from dispatch.Progress) {
	defer close(r.stopped)
	next := from.Next
	for r.p.Wait(ctx) == nil {
		rs, n, grown := r.m.g.b.fetch(r.at, next)
		next = n
		if len(rs) > 0 {
			r.p.Feed(entries(rs, from)...)
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return
		}
	}
}

// revoke drains the partition and keeps its progress for the next owner.
func (r *reader) revoke(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	r.stop()
	<-r.stopped
	r.p.Revoke(ctx)
	r.m.g.store(r.at, r.p.Progress())
}

func (b *Broker) fetch(at place, next int64) ([]*broker.Record, int64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.topics[at.topic].parts[at.partition]
	rs, n := p.from(next, fetchSize)
	return rs, n, p.grown
}

// entries carries on what the last owner knew of the records.
func entries(rs []*broker.Record, from dispatch.Progress) []dispatch.Entry[*broker.Record] {
	es := make([]dispatch.Entry[*broker.Record], len(rs))
	for i, r := range rs {
		pos, _ := strconv.ParseInt(r.Offset, 10, 64)
		es[i] = dispatch.Entry[*broker.Record]{Position: pos, Key: r.Key, Size: r.Size(), Value: r}
		es[i].Finished = slices.ContainsFunc(from.Finished, func(f dispatch.Run) bool { return f.From <= pos && pos <= f.To })
		for _, w := range from.Waiting {
			if w.Position == pos {
				es[i].Attempt, es[i].Due, es[i].FirstFailed = w.Attempt, w.Due, w.FirstFailed
			}
		}
	}
	return es
}

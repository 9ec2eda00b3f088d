package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// drainLimit is how long a member may finish what runs when a partition moves.
const drainLimit = 5 * time.Second

type place struct {
	topic     string
	partition int32
}

// group shares partitions among its members and keeps their progress.
type group struct {
	b        *Broker
	name     string
	moving   sync.Mutex // one change of membership at a time
	members  []*member
	progress map[place]dispatch.Progress
	owned    map[place]*reader
}

func newGroup(b *Broker, name string) *group {
	return &group{b: b, name: name, progress: map[place]dispatch.Progress{}, owned: map[place]*reader{}}
}

// Join adds a member to the group.
func (b *Broker) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if b.isClosed() {
		return nil, fmt.Errorf("join group %s: %w", g.Name, broker.ErrClosed)
	}
	gr := b.group(g)
	m := newMember(gr, g)
	if err := gr.begin(g.Subscriptions); err != nil {
		m.stop()
		return nil, err
	}
	gr.moving.Lock()
	defer gr.moving.Unlock()
	gr.members = append(gr.members, m)
	gr.rebalance(ctx)
	return m, nil
}

func (b *Broker) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *Broker) group(g broker.Group) *group {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.Broadcast {
		return newGroup(b, g.Name)
	}
	if b.groups[g.Name] == nil {
		b.groups[g.Name] = newGroup(b, g.Name)
	}
	return b.groups[g.Name]
}

// begin gives topics that are new to the group their start.
func (g *group) begin(ss []broker.Subscription) error {
	g.b.mu.Lock()
	defer g.b.mu.Unlock()
	for _, s := range ss {
		t := g.b.topic(s.Topic)
		if _, known := g.progress[place{s.Topic, 0}]; known {
			continue
		}
		if s.Start == broker.StartNone {
			return fmt.Errorf("group %s on topic %s: %w", g.name, s.Topic, broker.ErrNoStart)
		}
		for i, p := range t.parts {
			next := p.base
			if s.Start == broker.StartLatest {
				next = p.end()
			}
			g.progress[place{s.Topic, int32(i)}] = dispatch.Progress{Next: next}
		}
	}
	return nil
}

// rebalance gives every partition to one of the members that read its topic.
func (g *group) rebalance(ctx context.Context) {
	want := g.assignment()
	var wg sync.WaitGroup
	for at, r := range g.owned {
		if want[at] != r.m {
			delete(g.owned, at)
			wg.Go(func() { r.revoke(ctx) })
		}
	}
	wg.Wait()
	for at, m := range want {
		if g.owned[at] == nil {
			g.owned[at] = m.read(at, g.take(at)) //nolint:contextcheck // reads for as long as it owns the partition
		}
	}
}

func (g *group) assignment() map[place]*member {
	g.b.mu.Lock()
	defer g.b.mu.Unlock()
	want := map[place]*member{}
	for at := range g.progress {
		var ms []*member
		for _, m := range g.members {
			if m.engines[at.topic] != nil {
				ms = append(ms, m)
			}
		}
		if len(ms) > 0 {
			want[at] = ms[int(at.partition)%len(ms)]
		}
	}
	return want
}

func (g *group) take(at place) dispatch.Progress {
	g.b.mu.Lock()
	defer g.b.mu.Unlock()
	return g.progress[at]
}

func (g *group) store(at place, p dispatch.Progress) {
	g.b.mu.Lock()
	defer g.b.mu.Unlock()
	g.progress[at] = p
	g.b.notify()
}

// finished notes the contiguous end of a partition and lets the log forget what is behind.
func (g *group) finished(at place, next int64) {
	g.b.mu.Lock()
	defer g.b.mu.Unlock()
	p := g.progress[at]
	p.Next = max(p.Next, next)
	g.progress[at] = p
	g.b.trim(at, p.Next)
	g.b.notify()
}

// trim forgets what all groups have finished, which is no more than one of them has, and more than is kept.
func (b *Broker) trim(at place, below int64) {
	p := b.topics[at.topic].parts[at.partition]
	if !p.trims(below) {
		return // spares a look at each group for each message
	}
	read := false // by a group that keeps its position: the others may be anywhere
	for _, g := range b.groups {
		if pr, ok := g.progress[at]; ok {
			read, below = true, min(below, pr.Next)
		}
	}
	if read {
		p.trim(below)
	}
}

// unfinished counts what the group has not finished. It is called with the broker's lock.
func (g *group) unfinished() (n int) {
	for at, p := range g.progress {
		rs, _ := g.b.topics[at.topic].parts[at.partition].from(p.Next, keep)
		n += len(rs)
	}
	return n
}

func (g *group) leave(ctx context.Context, m *member) {
	g.moving.Lock()
	defer g.moving.Unlock()
	g.members = slices.DeleteFunc(g.members, func(o *member) bool { return o == m })
	g.rebalance(ctx)
}

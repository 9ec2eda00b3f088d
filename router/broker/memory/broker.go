package memory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Broker keeps topics and groups in memory.
type Broker struct {
	mu      sync.Mutex
	topics  map[string]*topic
	groups  map[string]*group
	changed chan struct{} // closed and replaced at every change
	closed  bool
}

var _ broker.Broker = (*Broker)(nil)

// New returns an empty broker.
func New() *Broker {
	return &Broker{topics: map[string]*topic{}, groups: map[string]*group{}, changed: make(chan struct{})}
}

// Name is "memory".
func (b *Broker) Name() string { return "memory" }

// Connect does nothing.
func (b *Broker) Connect(context.Context) error { return nil }

// Ping does nothing.
func (b *Broker) Ping(context.Context) error { return nil }

// Sends is the producer of the service's messages.
func (b *Broker) Sends() broker.Producer { return producer{b} }

// Outputs is the same producer: memory has no outages.
func (b *Broker) Outputs() broker.Producer { return producer{b} }

// Close ends all reads. Records stay readable.
func (b *Broker) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.notify()
	return nil
}

// CreateTopics creates what does not exist.
func (b *Broker) CreateTopics(_ context.Context, ts ...broker.TopicConfig) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range ts {
		if b.topics[t.Name] == nil {
			b.topics[t.Name] = newTopic(t.Name, t.Kind, max(t.Partitions, 1))
		}
	}
	return nil
}

// Topics lists what was created or published to.
func (b *Broker) Topics(context.Context) (infos []broker.TopicInfo, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.topics {
		infos = append(infos, broker.TopicInfo{Name: t.name, Partitions: len(t.parts), Kind: t.kind})
	}
	slices.SortFunc(infos, func(x, y broker.TopicInfo) int { return strings.Compare(x.Name, y.Name) })
	return infos, nil
}

// topic returns the topic, made on first use. It is called with the lock.
func (b *Broker) topic(name string) *topic {
	t := b.topics[name]
	if t == nil {
		t = newTopic(name, topics.KindEvent, 1)
		b.topics[name] = t
	}
	return t
}

// notify wakes all that wait for a change. It is called with the lock.
func (b *Broker) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change: a record published or finished.
func (b *Broker) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Records returns what a topic holds, in the order of publishing.
func (b *Broker) Records(name string) (rs []*broker.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		return nil
	}
	return slices.Clone(t.history)
}

// Unfinished counts the records that groups of this broker have not finished: unread,
// running and waiting for a retry.
func (b *Broker) Unfinished() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.groups {
		n += g.unfinished()
	}
	return n
}

type producer struct{ b *Broker }

func (p producer) Produce(_ context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	done(p.b.append(r))
}

func (p producer) Check(*broker.Record) error  { return nil }
func (p producer) Timeout() time.Duration      { return 0 }
func (p producer) Flush(context.Context) error { return nil }

func (b *Broker) append(r *broker.Record) (broker.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return broker.Receipt{}, broker.ErrClosed
	}
	kept := b.topic(r.Topic).append(r)
	b.notify()
	return broker.Receipt{Topic: kept.Topic, Partition: kept.Partition, Offset: kept.Offset, Time: kept.Time}, nil
}

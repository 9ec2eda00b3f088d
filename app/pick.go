package app

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// picked is one broker made of several: each topic is served by its own.
type picked struct {
	names []string // the default one first
	all   map[string]broker.Broker
	route func(topic string) string // "" for the default
}

var _ broker.Broker = (*picked)(nil)

func (p *picked) of(topic string) broker.Broker {
	if b := p.all[p.route(topic)]; b != nil {
		return b
	}
	return p.all[p.names[0]]
}

// each calls f for all brokers together and joins the errors in their order.
func (p *picked) each(f func(broker.Broker) error) error {
	errs := make([]error, len(p.names))
	var wg sync.WaitGroup
	for i, name := range p.names {
		wg.Go(func() { errs[i] = f(p.all[name]) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (p *picked) Name() string { return strings.Join(p.names, "+") }

func (p *picked) Connect(ctx context.Context) error {
	return p.each(func(b broker.Broker) error { return b.Connect(ctx) })
}

func (p *picked) Ping(ctx context.Context) error {
	return p.each(func(b broker.Broker) error { return b.Ping(ctx) })
}

func (p *picked) Close(ctx context.Context) error {
	return p.each(func(b broker.Broker) error { return b.Close(ctx) })
}

func (p *picked) Sends() broker.Producer {
	return pickedProducer{p, broker.Broker.Sends}
}

func (p *picked) Outputs() broker.Producer {
	return pickedProducer{p, broker.Broker.Outputs}
}

// Topics lists those that each broker serves: of the same name on two, the one that is used.
func (p *picked) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	var mu sync.Mutex
	var all []broker.TopicInfo
	err := p.each(func(b broker.Broker) error {
		infos, err := b.Topics(ctx)
		mu.Lock()
		defer mu.Unlock()
		for _, i := range infos {
			if p.of(i.Name) == b {
				all = append(all, i)
			}
		}
		return err
	})
	slices.SortFunc(all, func(x, y broker.TopicInfo) int { return cmp.Compare(x.Name, y.Name) })
	return all, err
}

func (p *picked) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	return p.each(func(b broker.Broker) error {
		own := slices.DeleteFunc(slices.Clone(ts), func(t broker.TopicConfig) bool { return p.of(t.Name) != b })
		if len(own) == 0 {
			return nil
		}
		return b.CreateTopics(ctx, own...)
	})
}

// Join becomes a member of the group at every broker that serves one of its topics.
func (p *picked) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	m := &pickedMember{failed: make(chan error, 1), closed: make(chan struct{})}
	for _, name := range p.names {
		part := g
		part.Subscriptions = slices.DeleteFunc(slices.Clone(g.Subscriptions), func(s broker.Subscription) bool {
			return p.of(s.Topic) != p.all[name]
		})
		if len(part.Subscriptions) == 0 {
			continue
		}
		joined, err := p.all[name].Join(ctx, part)
		if err != nil {
			return nil, errors.Join(err, m.Close(ctx))
		}
		m.add(joined)
	}
	return m, nil
}

// Read reads from all brokers at once; their records interleave.
func (p *picked) Read(ctx context.Context, o broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	return func(yield func(*broker.Record, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		found := make(chan found)
		var wg sync.WaitGroup
		for _, name := range p.names {
			part := o
			part.Topics = slices.DeleteFunc(slices.Clone(o.Topics), func(t string) bool { return p.of(t) != p.all[name] })
			if len(part.Topics) > 0 {
				wg.Go(func() { pour(ctx, p.all[name].Read(ctx, part), found) })
			}
		}
		go func() { wg.Wait(); close(found) }()
		defer drain(found)
		defer cancel()
		for f := range found {
			if !yield(f.record, f.err) || f.err != nil {
				return
			}
		}
	}
}

// found is a record, or why there are no more.
type found struct {
	record *broker.Record
	err    error
}

func pour(ctx context.Context, from iter.Seq2[*broker.Record, error], to chan<- found) {
	for r, err := range from {
		select {
		case to <- found{r, err}:
		case <-ctx.Done():
			return
		}
	}
}

// drain waits until all readers have ended.
func drain(c <-chan found) {
	for range c {
	}
}

type pickedProducer struct {
	p  *picked
	of func(broker.Broker) broker.Producer
}

func (q pickedProducer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	q.of(q.p.of(r.Topic)).Produce(ctx, r, done)
}

func (q pickedProducer) Check(r *broker.Record) error { return q.of(q.p.of(r.Topic)).Check(r) }

// Timeout is the longest of all: a call may concern several brokers.
func (q pickedProducer) Timeout() (longest time.Duration) {
	for _, b := range q.p.all {
		t := q.of(b).Timeout()
		if t == 0 {
			return 0
		}
		longest = max(longest, t)
	}
	return longest
}

func (q pickedProducer) Flush(ctx context.Context) error {
	return q.p.each(func(b broker.Broker) error { return q.of(b).Flush(ctx) })
}

// pickedMember is the memberships of one group at several brokers.
type pickedMember struct {
	members []broker.Member
	failed  chan error
	closed  chan struct{}
	once    sync.Once
	watches sync.WaitGroup
}

func (m *pickedMember) add(joined broker.Member) {
	m.members = append(m.members, joined)
	m.watches.Go(func() {
		select {
		case err := <-joined.Failed():
			select {
			case m.failed <- err:
			default: // one failure is enough
			}
		case <-m.closed:
		}
	})
}

func (m *pickedMember) Ready() bool {
	return !slices.ContainsFunc(m.members, func(o broker.Member) bool { return !o.Ready() })
}

// Reason tells why not.
func (m *pickedMember) Reason() string {
	for _, o := range m.members {
		if err := broker.NotReady(o); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (m *pickedMember) Failed() <-chan error { return m.failed }

func (m *pickedMember) Close(ctx context.Context) error {
	m.once.Do(func() { close(m.closed) })
	errs := make([]error, len(m.members))
	var wg sync.WaitGroup
	for i, o := range m.members {
		wg.Go(func() { errs[i] = o.Close(ctx) })
	}
	wg.Wait()
	m.watches.Wait()
	return errors.Join(errs...)
}

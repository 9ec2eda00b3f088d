package brokertest

import (
	"context"
	"sync"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
)

// store is a memory broker, and the defect that its clients have.
type store struct {
	*memory.Broker
	defect defect

	mu    sync.Mutex
	joins int
	first *broker.Record // that was finished
}

// defect is what a backend does wrong. Fields that are nil do nothing.
type defect struct {
	produce func(*broker.Record)                              // changes a record on its way in
	sends   func(broker.Producer) broker.Producer             // wraps the producers
	group   func(*broker.Group)                               // changes what a member asks for
	deliver func(s *store, d broker.Delivery) broker.Delivery // wraps a delivery
	joined  func(s *store, handle func(broker.Delivery))      // comes after a join
	member  func(broker.Member) broker.Member                 // wraps a member
}

// client is one instance of a service on a store. Its Close leaves the store open.
type client struct{ *store }

func (c client) Close(context.Context) error { return nil }
func (c client) Sends() broker.Producer      { return c.producer() }
func (c client) Outputs() broker.Producer    { return c.producer() }

func (c client) producer() broker.Producer {
	p := c.Broker.Sends()
	if c.defect.sends != nil {
		p = c.defect.sends(p)
	}
	return changing{p, c.defect.produce}
}

type changing struct {
	broker.Producer
	change func(*broker.Record)
}

func (p changing) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	copied := *r
	if p.change != nil {
		p.change(&copied)
	}
	p.Producer.Produce(ctx, &copied, done)
}

func (c client) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	c.mu.Lock()
	c.joins++
	c.mu.Unlock()
	if c.defect.group != nil {
		c.defect.group(&g)
	}
	dead := make(chan struct{})
	for i := range g.Subscriptions {
		c.wrap(&g.Subscriptions[i], dead)
	}
	m, err := c.Broker.Join(ctx, g)
	if err != nil {
		return nil, err
	}
	if c.defect.joined != nil {
		c.defect.joined(c.store, g.Subscriptions[0].Handle)
	}
	if c.defect.member != nil {
		m = c.defect.member(m)
	}
	return &mortal{Member: m, dead: dead}, nil
}

func (c client) wrap(s *broker.Subscription, dead chan struct{}) {
	inner := s.Handle
	if inner == nil {
		return
	}
	s.Handle = func(d broker.Delivery) {
		d = fragile{d, dead}
		if c.defect.deliver != nil {
			d = c.defect.deliver(c.store, d)
		}
		inner(d)
	}
}

// mortal is a member that can crash: deliveries end with it, and the next owner gets them.
type mortal struct {
	broker.Member
	dead chan struct{}
	once sync.Once
}

func crashWrapped(_ broker.Broker, ms []broker.Member) {
	for _, m := range ms {
		m.(*mortal).crash() //nolint:forcetypeassert // Join made it
	}
}

func (m *mortal) crash() {
	m.once.Do(func() { close(m.dead) })
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Close(over)
}

// fragile is a delivery that has no effect after a crash.
type fragile struct {
	broker.Delivery
	dead chan struct{}
}

func (d fragile) Done() {
	select {
	case <-d.dead:
	default:
		d.Delivery.Done()
	}
}

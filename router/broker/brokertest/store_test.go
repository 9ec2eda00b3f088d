package brokertest

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

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

	handles []func(broker.Delivery) // of every member so far
	closes  int                     // of members
	marked  map[string]bool         // what a defect remembers
}

// defect is what a backend does wrong. Fields that are nil do nothing.
type defect struct {
	unchecked   bool // nothing is too large
	swallows    bool // what is too large is acknowledged
	keeps       bool // what is published shares its memory with what is stored
	scribbles   bool // the record of a caller is changed
	directTwice bool // what was not written directly was written all the same
	neverCloses bool // clients go on after their Close
	mute        bool // Close does not tell what it gave up
	endless     bool // Close does not end with its context

	produce  func(*broker.Record)                                                                // changes a record on its way in
	sends    func(broker.Producer) broker.Producer                                               // wraps the producers
	together func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error)) // publishes many at once
	group    func(*broker.Group)                                                                 // changes what a member asks for
	deliver  func(s *store, d broker.Delivery) broker.Delivery                                   // wraps a delivery
	joined   func(s *store, handle func(broker.Delivery))                                        // comes after a join
	member   func(s *store, m broker.Member) broker.Member                                       // wraps a member

	handle func(s *store, d broker.Delivery, inner func(broker.Delivery)) // stands before a handler
	batch  func([]broker.Delivery) []broker.Delivery                      // changes a batch
	read   func(*broker.ReadOptions)                                      // changes what is asked for
	reads  func([]*broker.Record) []*broker.Record                        // changes what is read to the end
	create func(*broker.TopicConfig)                                      // changes what is created
	list   func([]broker.TopicInfo) []broker.TopicInfo                    // changes what is listed

	meanwhile func(waiting) bool // answers what is published while the broker is away; false: it did not
	back      func([]waiting)    // writes what had waited
	left      func(waiting) bool // tells of what Close gives up; true: it waits all the same
}

// client is one instance of a service on a store. Its Close leaves the store open.
type client struct {
	*store
	over *atomic.Bool
	way  *way
}

func (c client) Close(ctx context.Context) error {
	c.over.Store(!c.defect.neverCloses)
	return c.way.close(ctx)
}

func (c client) Sends() broker.Producer   { return c.producer() }
func (c client) Outputs() broker.Producer { return c.producer() }

func (c client) producer() broker.Producer {
	var p broker.Producer = closable{distant{c.Broker.Sends(), c.way}, c.over}
	if c.defect.sends != nil {
		p = c.defect.sends(p)
	}
	return c.disguise(changing{p, c.defect.produce, c.defect.unchecked})
}

// disguise gives a producer the shape that the defect needs.
func (c client) disguise(p broker.Producer) broker.Producer {
	switch {
	case c.defect.together != nil:
		return asOne{p, c.defect.together}
	case c.defect.directTwice:
		return twice{p}
	case c.defect.swallows:
		return swallowing{p}
	case c.defect.scribbles:
		return scribbling{p}
	case c.defect.keeps:
		return hoarding{p, c.Broker}
	default:
		return p
	}
}

// closable writes nothing after the Close of its client.
type closable struct {
	broker.Producer
	over *atomic.Bool
}

func (p closable) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if p.over.Load() {
		done(broker.Receipt{}, broker.ErrClosed)
		return
	}
	p.Producer.Produce(ctx, r, done)
}

type changing struct {
	broker.Producer
	change    func(*broker.Record)
	unchecked bool
}

func (p changing) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	copied := *r
	if p.change != nil {
		p.change(&copied)
	}
	if err := p.Check(r); err != nil {
		done(broker.Receipt{}, err)
		return
	}
	p.Producer.Produce(ctx, &copied, done)
}

// limit is the size of the largest message of a store.
const limit = 2 << 20

func (p changing) Check(r *broker.Record) error {
	if err := p.Producer.Check(r); err != nil || p.unchecked || r.Size() <= limit {
		return err
	}
	return broker.ErrTooLarge
}

func (c client) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if c.over.Load() {
		return nil, broker.ErrClosed
	}
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
		m = c.defect.member(c.store, m)
	}
	return &mortal{Member: m, dead: dead}, nil
}

func (c client) wrap(s *broker.Subscription, dead chan struct{}) {
	if inner := s.HandleBatch; inner != nil && c.defect.batch != nil {
		s.HandleBatch = func(ds []broker.Delivery) { inner(c.defect.batch(ds)) }
	}
	inner := s.Handle
	if inner == nil {
		return
	}
	c.mu.Lock()
	c.handles = append(c.handles, inner)
	c.mu.Unlock()
	s.Handle = func(d broker.Delivery) {
		d = fragile{d, dead}
		if c.defect.deliver != nil {
			d = c.defect.deliver(c.store, d)
		}
		if c.defect.handle != nil {
			c.defect.handle(c.store, d, inner)
			return
		}
		inner(d)
	}
}

func (c client) Read(ctx context.Context, o broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	if c.defect.read != nil {
		c.defect.read(&o)
	}
	all := c.Broker.Read(ctx, o)
	if c.defect.reads == nil || !o.UntilEnd {
		return all
	}
	var rs []*broker.Record
	var failed error
	for r, err := range all {
		if failed = err; err != nil {
			break
		}
		rs = append(rs, r)
	}
	return func(yield func(*broker.Record, error) bool) {
		if failed != nil {
			yield(nil, failed)
			return
		}
		for _, r := range c.defect.reads(rs) {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (c client) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	if c.defect.create != nil {
		for i := range ts {
			c.defect.create(&ts[i])
		}
	}
	return c.Broker.CreateTopics(ctx, ts...)
}

func (c client) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	infos, err := c.Broker.Topics(ctx)
	if c.defect.list != nil {
		infos = c.defect.list(infos)
	}
	return infos, err
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

package memory

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
)

// cannot is what this backend does not meet, with the reasons that the reference gives.
var cannot = []brokertest.Option{
	brokertest.NotFor("a message that is too large is refused by Check", "memory has no limit"),
	brokertest.NotFor("a message that is too large fails alone", "memory has no limit"),
	brokertest.NotFor("of messages published together one that is too large fails alone", "memory has no limit"),
	brokertest.NotFor("what is published while the broker is away is written when it is back, in order", "memory has no server"),
	brokertest.NotFor("what may have been written when Close gave up is told as unknown", "memory has no server"),
}

func TestConformance(t *testing.T) {
	t.Parallel()
	b := New()
	brokertest.Run(t, func(testing.TB) broker.Broker { return &client{Broker: b} }, append(cannot, brokertest.Crash(crash))...)
}

// client is one of several services in a process that share a broker. It closes alone.
type client struct {
	*Broker
	closed atomic.Bool
}

func (c *client) Sends() broker.Producer   { return c.producer(c.Broker.Sends()) }
func (c *client) Outputs() broker.Producer { return c.producer(c.Broker.Outputs()) }

func (c *client) producer(p broker.Producer) broker.Producer {
	if c.closed.Load() {
		return gone{p}
	}
	return p
}

func (c *client) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if c.closed.Load() {
		return nil, broker.ErrClosed
	}
	return c.Broker.Join(ctx, g)
}

func (c *client) Close(context.Context) error {
	c.closed.Store(true)
	return nil
}

type gone struct{ broker.Producer }

func (gone) Produce(_ context.Context, _ *broker.Record, done func(broker.Receipt, error)) {
	done(broker.Receipt{}, broker.ErrClosed)
}

// crash takes members away at once; what they have not reported as finished is not.
func crash(_ broker.Broker, ms []broker.Member) {
	for _, joined := range ms {
		m := joined.(*member) //nolint:forcetypeassert // Join made it
		m.leave.Do(func() {
			m.g.moving.Lock()
			defer m.g.moving.Unlock()
			m.g.members = slices.DeleteFunc(m.g.members, func(o *member) bool { return o == m })
			m.drop()
			m.g.rebalance(context.Background())
			m.stop()
		})
	}
}

// drop gives up what the member reads. It is called with the lock on membership.
func (m *member) drop() {
	for at, r := range m.g.owned {
		if r.m == m {
			r.stop()
			<-r.stopped
			r.p.Drop()
			delete(m.g.owned, at)
		}
	}
}

func TestCallsAfterCloseAnswerErrClosed(t *testing.T) {
	t.Parallel()
	b := New()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(t.Context(), broker.Group{Name: "g"}); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("join: %v", err)
	}
	b.Sends().Produce(t.Context(), &broker.Record{Topic: "t"}, func(_ broker.Receipt, err error) {
		if !errors.Is(err, broker.ErrClosed) {
			t.Errorf("publish: %v", err)
		}
	})
}

package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// member is this process in a group.
type member struct {
	b       *Broker
	id      string
	group   broker.Group
	log     *slog.Logger
	wakes   *wakers
	intake  []*intake
	ctx     context.Context //nolint:containedctx // the life of the member
	stop    context.CancelFunc
	loops   sync.WaitGroup
	failed  chan error
	failure atomic.Pointer[string] // what ended the member for good
	close   sync.Once
	ended   chan struct{} // closed when Close has done its work
	err     error
}

var _ broker.Member = (*member)(nil)

// Join makes this process a member of a group. It returns when the group exists on every
// stream, perhaps before partitions were assigned.
func (b *Broker) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if err := b.checkGroup(g); err != nil {
		return nil, err
	}
	m := &member{
		b: b, id: newMemberID(), group: g,
		log: b.log.With("group", g.Name), failed: make(chan error, 1), ended: make(chan struct{}),
	}
	for i := range g.Subscriptions {
		in, err := m.prepare(ctx, &g.Subscriptions[i])
		if err != nil {
			return nil, b.joinFault(g.Name, err)
		}
		m.intake = append(m.intake, in)
	}
	m.run(ctx)
	return m, nil
}

// newMemberID is 32 hexadecimal digits that no other member has.
func newMemberID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

func (b *Broker) checkGroup(g broker.Group) error {
	select {
	case <-b.closed:
		return broker.ErrClosed
	default:
	}
	var errs []error
	if g.Name == "" && !g.Broadcast {
		errs = append(errs, errors.New("a group needs a name"))
	}
	for _, s := range g.Subscriptions {
		errs = append(errs, checkTopic(s.Topic))
	}
	return errors.Join(errs...)
}

func (b *Broker) joinFault(group string, err error) error {
	switch {
	case refusedLogin(err):
		return b.loginFault(err)
	case !answered(err) && passing(err) && !errors.Is(err, broker.ErrNoStart) && !errors.Is(err, context.Canceled):
		return fmt.Errorf("join group %s: %w", group, b.unreachable(err))
	}
	return fmt.Errorf("join group %s: %w", group, explain(err))
}

// prepare finds the topic of a subscription and the positions to begin at.
func (m *member) prepare(ctx context.Context, s *broker.Subscription) (*intake, error) {
	in := &intake{m: m, sub: s, owners: map[int32]*owner{}, resume: map[int32]mark{}, kick: make(chan struct{}, 1)}
	var t topic
	err := again(ctx, func() (err error) { t, err = m.b.topics.read(ctx, s.Topic); return err })
	if err != nil {
		return nil, err
	}
	in.partitions = t.partitions
	start := m.b.start(s.Start)
	if m.group.Broadcast {
		return in, again(ctx, func() error { return in.findStarts(ctx, start) })
	}
	return in, again(ctx, func() error { return m.createGroups(ctx, s.Topic, t.partitions, start) })
}

func (m *member) run(ctx context.Context) {
	m.ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	m.wakes = newWakers(m.b.options)
	for _, in := range m.intake {
		in.engine = dispatch.New(in.config())
		loop := in.balance
		switch {
		case m.group.Broadcast:
			loop = in.broadcast
		case m.b.cfg.Delivery == "competing":
			loop = in.compete
		}
		m.loops.Go(func() { loop(m.ctx) })
	}
}

// Failed receives the error that ended the member for good.
func (m *member) Failed() <-chan error { return m.failed }

// fail ends the member: what it owns is given back.
func (m *member) fail(ctx context.Context, err error) {
	why := err.Error()
	m.failure.CompareAndSwap(nil, &why)
	select {
	case m.failed <- err:
	default:
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handover)
		defer cancel()
		_ = m.Close(ctx)
	}()
}

// failIf ends the member when there is no hope.
func (m *member) failIf(ctx context.Context, hopeless bool, what string, err error) {
	if hopeless && ctx.Err() == nil {
		m.fail(ctx, fmt.Errorf("share %s: %w", what, explain(err)))
	}
}

// Close leaves the group in order, see broker.Member.
func (m *member) Close(ctx context.Context) error {
	m.close.Do(func() {
		defer close(m.ended)
		m.err = m.leave(ctx)
	})
	<-m.ended
	return m.err
}

func (m *member) leave(ctx context.Context) error {
	m.stop()
	for _, in := range m.intake {
		in.leave(ctx) // so that others plan without this member
	}
	var wg sync.WaitGroup
	errs := make([]error, len(m.intake))
	for i, in := range m.intake {
		wg.Go(func() { errs[i] = in.close(ctx) })
	}
	wg.Wait()
	m.loops.Wait()
	m.wakes.close()
	return errors.Join(errs...)
}

// lastly is ctx as long as it lasts, and a moment longer for what must be said at the end.
func lastly(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), maxTime(deadline, time.Now().Add(time.Second)))
	}
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	}
	return context.WithCancel(ctx)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

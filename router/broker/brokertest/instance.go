package brokertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leat-go/leat/router/broker"
)

// instance is one instance of the service: a client and its members.
type instance struct {
	broker.Broker

	b       *bench
	members []broker.Member
	failed  []broker.Member // as they should
	crashed bool
	closed  bool
}

// instance opens a client and connects it. It is closed before what open has cleaned up.
func (b *bench) instance() *instance {
	b.Helper()
	in := &instance{Broker: b.s.open(b.TB), b: b}
	b.Cleanup(func() {
		for _, g := range b.gates {
			g.open()
		}
		in.close()
	})
	if err := in.Connect(b.within()); err != nil {
		b.Fatalf("connect: %v", err)
	}
	return in
}

// stage is an instance with a topic.
func (b *bench) stage(partitions int) (*instance, string) {
	b.Helper()
	in := b.instance()
	return in, b.topic(in, partitions)
}

// close ends what is still there.
func (in *instance) close() {
	in.b.Helper()
	if in.crashed {
		in.bury()
		return
	}
	for _, m := range in.members {
		in.leave(m)
	}
	in.members = nil
	in.stop()
}

// stop closes the client.
func (in *instance) stop() {
	in.b.Helper()
	if in.closed {
		return
	}
	in.closed = true
	if err := in.Close(in.b.within()); err != nil {
		in.b.Errorf("close the broker: %v", err)
	}
}

// restart ends the instance in order and returns the next one.
func (in *instance) restart() *instance {
	in.b.Helper()
	in.close()
	return in.b.instance()
}

func (in *instance) crash() {
	in.crashed = true
	in.b.s.crash(in.Broker, in.members)
}

// bury closes what has crashed; the errors of that say nothing.
func (in *instance) bury() {
	ctx := in.b.withinTime(afterCrash)
	var wg sync.WaitGroup
	for _, m := range in.members {
		wg.Go(func() { _ = m.Close(ctx) })
	}
	wg.Wait()
	_ = in.Close(ctx)
}

// tryJoin joins and returns the error, also one that comes later.
func (in *instance) tryJoin(g broker.Group) error {
	in.b.Helper()
	m, err := in.Join(in.b.within(), g)
	if err != nil {
		return err
	}
	in.members, in.failed = append(in.members, m), append(in.failed, m)
	return receive(in.b, "the failure of the member", m.Failed())
}

// enter joins without waiting for anything.
func (in *instance) enter(g broker.Group) broker.Member {
	in.b.Helper()
	m, err := in.Join(in.b.within(), g)
	if err != nil {
		in.b.Fatalf("join: %v", err)
	}
	in.members = append(in.members, m)
	return m
}

// joinGroup joins and waits until the member takes part.
func (in *instance) joinGroup(g broker.Group) broker.Member {
	in.b.Helper()
	m := in.enter(g)
	in.b.until("member ready", m.Ready)
	return m
}

// join joins the group of the case.
func (in *instance) join(ss ...broker.Subscription) broker.Member {
	in.b.Helper()
	return in.joinGroup(in.b.groupOf(ss...))
}

func (b *bench) groupOf(ss ...broker.Subscription) broker.Group {
	return broker.Group{Name: b.group, Subscriptions: ss}
}

func (in *instance) leave(m broker.Member) {
	in.b.Helper()
	if err := m.Close(in.b.within()); err != nil {
		in.b.Errorf("close a member: %v", err)
	}
	select {
	case err := <-m.Failed():
		if err != nil && !slices.Contains(in.failed, m) {
			in.b.Errorf("a member failed: %v", err)
		}
	default:
	}
}

// publish writes records and waits for all receipts.
func (in *instance) publish(rs ...*broker.Record) []broker.Receipt {
	in.b.Helper()
	receipts, errs := in.try(in.b.within(), in.Sends(), rs...)
	if err := errors.Join(errs...); err != nil {
		in.b.Fatalf("publish: %v", err)
	}
	return receipts
}

// oneByOne writes each record after the receipt of the one before.
func (in *instance) oneByOne(rs ...*broker.Record) {
	in.b.Helper()
	for _, r := range rs {
		in.publish(r)
	}
}

// try hands records over and waits for all answers.
func (in *instance) try(ctx context.Context, p broker.Producer, rs ...*broker.Record) ([]broker.Receipt, []error) {
	in.b.Helper()
	as := make([]*answer, len(rs))
	for i, r := range rs {
		as[i] = in.b.produce(ctx, p, r)
	}
	receipts, errs := make([]broker.Receipt, len(rs)), make([]error, len(rs))
	for i, a := range as {
		receive(in.b, "the receipt of a record", a.came)
		receipts[i], errs[i] = a.receipt, a.err
	}
	return receipts, errs
}

// answer is what done was called with.
type answer struct {
	came    chan struct{} // closed
	receipt broker.Receipt
	err     error
}

// produce closes answer.came when done is called, which must not happen again.
func (b *bench) produce(ctx context.Context, p broker.Producer, r *broker.Record) *answer {
	b.Helper()
	a := &answer{came: make(chan struct{})}
	p.Produce(ctx, r, a.once(b, r))
	return a
}

// once is called with the outcome of r, which must not happen again.
func (a *answer) once(b *bench, r *broker.Record) func(broker.Receipt, error) {
	var calls atomic.Int32
	return func(rc broker.Receipt, err error) {
		if calls.Add(1) > 1 {
			b.Errorf("the outcome of %s was told again: %v", r.Key, err)
			return
		}
		a.receipt, a.err = rc, err
		close(a.came)
	}
}

package brokertest

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var drainCases = []testCase{
	{name: "Close waits for running handlers", run: closeWaits},
	{name: "Close waits for what is released and not done", run: closeWaitsReleased},
	{name: "no handler begins after Close, and the rest comes again", run: closeStops},
	{name: "Close ends the contexts of handlers at its deadline", run: closeDeadline},
	{name: "calls on a delivery that was lost are ignored", run: lateCalls},
}

// closeTime is how long after a Close what it waits for ends.
const closeTime = 200 * time.Millisecond

func closeWaits(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	var got seen
	var ended atomic.Bool
	running, end := make(chan struct{}, 100), b.gate()
	m := in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		got.add(d)
		running <- struct{}{}
		end.wait()
		ended.Store(d.Context().Err() == nil)
		d.Done()
	}})
	receive(b, "the delivery", running)
	time.AfterFunc(closeTime, end.open)
	in.leave(m)
	if !ended.Load() {
		b.Error("Close returned while a handler ran, or ended its context before the deadline")
	}
	b.comesNext(in, topic, "a2")
}

// comesNext restarts and checks that a message is the first that comes of its key.
func (b *bench) comesNext(in *instance, topic, value string) {
	b.Helper()
	in = in.restart()
	in.publish(texts(topic, value)...)
	var got seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: got.done})
	got.waitFor(b, value)
	if diff := cmp.Diff([]string{value}, got.values()); diff != "" {
		b.Errorf("after a restart: %s", diff)
	}
}

func closeWaitsReleased(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	var done atomic.Bool
	ds := make(chan broker.Delivery, 100)
	m := in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		d.Release()
		ds <- d
	}})
	d := receive(b, "the delivery", ds)
	time.AfterFunc(closeTime, func() {
		done.Store(true)
		d.Done()
	})
	in.leave(m)
	if !done.Load() {
		b.Error("Close returned while a released message was not done")
	}
	b.comesNext(in, topic, "a2")
}

func closeStops(b *bench) {
	const n = 40
	in, topic := b.stage(1)
	var rs []*broker.Record
	for i := range n {
		rs = append(rs, record(topic, "k", strconv.Itoa(i+1)))
	}
	in.publish(rs...)
	var got seen
	var closed atomic.Bool
	var late atomic.Int32
	m := in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		if closed.Load() {
			late.Add(1)
		}
		<-time.After(10 * time.Millisecond)
		got.done(d)
	}})
	got.wait(b, 2)
	in.leave(m)
	closed.Store(true)
	before := got.len()
	next := b.instance()
	next.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.waitFor(b, strconv.Itoa(n))
	if late.Load() > 0 || before == n {
		b.Errorf("%d handlers began after Close, and %d of %d messages were handled before", late.Load(), before, n)
	}
	if diff := cmp.Diff(values(rs), got.values()); diff != "" {
		b.Error(diff)
	}
}

func closeDeadline(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	running, ended := make(chan struct{}, 100), make(chan time.Time, 100)
	m := in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		running <- struct{}{}
		<-d.Context().Done()
		ended <- time.Now()
		d.Return()
	}})
	receive(b, "the delivery", running)
	deadline := time.Now().Add(closeTime)
	in.closeBy(m, deadline)
	if early := deadline.Sub(receive(b, "the end of the context", ended)); early > time.Millisecond {
		b.Errorf("the context ended %v before the deadline", early)
	}
	in = in.restart()
	var got seen
	in.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.waitFor(b, "a1")
}

// closeBy closes a member with little time; it may say that this was not enough.
func (in *instance) closeBy(m broker.Member, deadline time.Time) {
	in.b.Helper()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(in.b.Context()), deadline)
	defer cancel()
	_ = m.Close(ctx)
	in.members = slices.DeleteFunc(in.members, func(o broker.Member) bool { return o == m })
}

func lateCalls(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1", "b1")...)
	ds := make(chan broker.Delivery, 100)
	stuck := b.gate()
	m := in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		ds <- d
		stuck.wait()
	}})
	d := receive(b, "the delivery", ds)
	in.closeBy(m, time.Now())
	d.Done()
	d.Release()
	d.Hold()
	d.Then(func() { b.Error("a function ran for a delivery that was lost") })
	d.Park(7, time.Now(), time.Now())
	d.Return()
	stuck.open()
	in = in.restart()
	var got seen
	in.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.waitFor(b, "a1", "b1")
	for _, s := range got.list() {
		if s.Attempt != 1 {
			b.Errorf("%s comes as attempt %d, want 1", s.Value, s.Attempt)
		}
	}
}

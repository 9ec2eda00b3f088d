package brokertest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var releaseCases = []testCase{
	{name: "a released message lets the next of its key run", run: released},
	{name: "a held key waits until its message is done", run: func(b *bench) { held(b, broker.Delivery.Done, "a1", "b1", "b2", "a2") }},
	{name: "a held key waits until its message is parked", run: func(b *bench) {
		held(b, func(d broker.Delivery) { d.Park(2, time.Time{}, time.Now()) }, "a1", "b1", "b2", "a1", "a2")
	}},
	{name: "what a delivery asks to run then, runs before what follows in its key", run: then},
	{name: "released messages may be done in any order", run: doneBackwards},
}

func released(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "a3")...)
	var got seen
	ds := make(chan broker.Delivery, 100)
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		got.add(d)
		d.Release()
		ds <- d
	}})
	got.wait(b, 3)
	for range 3 {
		(<-ds).Done()
	}
	if diff := cmp.Diff([]string{"a1", "a2", "a3"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

// held releases a1 and holds its key: only then are others fed, so that a2 would run before
// b2 if it could.
func held(b *bench, end func(broker.Delivery), want ...string) {
	b.Helper()
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "b1", "b2")...)
	var got seen
	first := make(chan broker.Delivery, 100)
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		got.add(d)
		if got.len() > 1 {
			d.Done()
			return
		}
		d.Release()
		d.Hold() // the only worker is still here
		first <- d
	}})
	d := receive(b, "the first delivery", first)
	got.waitFor(b, "b2")
	end(d)
	got.waitFor(b, "a2")
	if diff := cmp.Diff(want, got.values()); diff != "" {
		b.Error(diff)
	}
}

func then(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	ran := make(chan string, 100)
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		v := string(d.Record().Value)
		ran <- v
		d.Then(func() { ran <- "first after " + v })
		d.Then(func() { ran <- "second after " + v })
		d.Done()
	}})
	for _, want := range []string{"a1", "first after a1", "second after a1", "a2", "first after a2", "second after a2"} {
		if got := receive(b, want, ran); got != want {
			b.Errorf("ran %q, want %q", got, want)
		}
	}
}

func doneBackwards(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "b1", "b2")...)
	var got, again seen
	ds := make(chan broker.Delivery, 100)
	in.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		got.add(d)
		d.Release()
		ds <- d
	}})
	got.wait(b, 4)
	for _, d := range backwards(ds, 4) {
		d.Done()
	}
	in = in.restart()
	in.publish(texts(topic, "a3", "b3")...)
	in.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: again.done})
	again.waitFor(b, "a3", "b3")
	if again.len() != 2 {
		b.Errorf("after all was done these come: %v", again.values())
	}
}

func backwards(c <-chan broker.Delivery, n int) []broker.Delivery {
	ds := make([]broker.Delivery, n)
	for i := range ds {
		ds[n-1-i] = <-c
	}
	return ds
}

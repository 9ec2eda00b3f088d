package brokertest

import (
	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var startCases = []testCase{
	{name: "a new group may start at the earliest message", run: startEarliest},
	{name: "a new group may start at the latest message", run: startLatest},
	{name: "a group that may not choose its start is refused", run: startNone},
	{name: "a group with a position goes on there, whatever its start", run: startKept},
	{name: "where a group started is kept before it handles anything", run: startCommitted},
	{name: "where a group starts on a topic is kept while it has members on others", run: startAmongMembers},
	{name: "a group that is added later has a start of its own", run: startLater},
}

func startEarliest(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	var got seen
	in.join(broker.Subscription{Topic: topic, Start: broker.StartEarliest, Handle: got.done})
	in.publish(texts(topic, "a3")...)
	got.waitFor(b, "a3")
	if diff := cmp.Diff([]string{"a1", "a2", "a3"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func startLatest(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	var got seen
	in.join(broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.done})
	in.publish(texts(topic, "a3")...)
	got.waitFor(b, "a3")
	if diff := cmp.Diff([]string{"a3"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func startNone(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	var got seen
	err := in.tryJoin(b.groupOf(broker.Subscription{Topic: topic, Start: broker.StartNone, Handle: got.done}))
	if !errors.Is(err, broker.ErrNoStart) || got.len() > 0 {
		b.Errorf("join: %v, and %d deliveries, want ErrNoStart and none", err, got.len())
	}
}

func startKept(b *bench) {
	in, topic := b.stage(1)
	var got seen
	for i, start := range []broker.Start{broker.StartEarliest, broker.StartEarliest, broker.StartLatest, broker.StartNone} {
		v := []string{"a1", "a2", "a3", "a4"}[i]
		in.publish(texts(topic, v)...)
		in.join(broker.Subscription{Topic: topic, Start: start, Handle: got.done})
		got.waitFor(b, v)
		in = in.restart()
	}
	if diff := cmp.Diff([]string{"a1", "a2", "a3", "a4"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func startCommitted(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	var got seen
	s := broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.done}
	in.join(s)
	in = in.restart()
	in.publish(texts(topic, "a2")...)
	in.join(s)
	got.waitFor(b, "a2")
	if diff := cmp.Diff([]string{"a2"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

// startAmongMembers has the member go before it handled anything, as it may in a rebalance.
func startAmongMembers(b *bench) {
	one, other := b.stage(1)
	two, topic := b.stage(1)
	two.publish(texts(topic, "a1")...)
	var got, none seen
	one.join(broker.Subscription{Topic: other, Handle: none.done})
	s := broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.done}
	two.join(s)
	two = two.restart()
	two.publish(texts(topic, "a2")...)
	two.join(s)
	got.waitFor(b, "a2")
	if diff := cmp.Diff([]string{"a2"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func startLater(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	var first, all, fresh seen
	in.join(broker.Subscription{Topic: topic, Handle: first.done, Start: broker.StartEarliest})
	first.waitFor(b, "a2")
	for start, got := range map[broker.Start]*seen{broker.StartEarliest: &all, broker.StartLatest: &fresh} {
		g := b.groupOf(broker.Subscription{Topic: topic, Start: start, Handle: got.done})
		g.Name = unique("later")
		in.joinGroup(g)
	}
	in.publish(texts(topic, "a3")...)
	for _, got := range []*seen{&first, &all, &fresh} {
		got.waitFor(b, "a3")
	}
	want := [][]string{{"a1", "a2", "a3"}, {"a1", "a2", "a3"}, {"a3"}}
	if diff := cmp.Diff(want, [][]string{first.values(), all.values(), fresh.values()}); diff != "" {
		b.Error(diff)
	}
}

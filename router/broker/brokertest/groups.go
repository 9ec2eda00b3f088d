package brokertest

import (
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var groupCases = []testCase{
	{name: "every group receives each message once", run: everyGroup},
	{name: "members of a group share its messages", run: membersShare},
	{name: "order per key holds while members join and leave", run: ownerChange},
	{name: "a slow handler holds up nobody who joins", run: slowHandover},
	{name: "many topics in one group", run: manyTopics},
	{name: "members of a group may read different topics", run: differentTopics},
	{name: "a topic that is created after the join is read", run: lateTopic},
	{name: "a broadcast reaches every instance", run: broadcastLatest},
	{name: "a broadcast from the earliest message", run: broadcastEarliest},
	{name: "a broadcast keeps order and gives again what is parked", run: broadcastParked},
	{name: "a topic whose handlers are busy holds up no other of its group", run: busyTopic},
	{name: "a slow group misses nothing that others have finished", run: slowGroup},
	{name: "a member that leaves takes no other of its instance with it", run: leavesAlone},
}

const (
	partitions = 4
	// handoverTime is long for slow machines; what waits for the handler waits for a minute.
	handoverTime = 30 * time.Second
)

func everyGroup(b *bench) {
	in, topic := b.stage(partitions)
	rs := numbered(topic, 60, 12, 1)
	var got [2]seen
	for i := range got {
		g := b.groupOf(broker.Subscription{Topic: topic, Concurrency: 4, Handle: got[i].done})
		g.Name += "-" + strconv.Itoa(i)
		in.joinGroup(g)
	}
	in.publish(rs...)
	in.publish(numbered(topic, 12, 12, 6)...)
	for i := range got {
		got[i].wait(b, 72)
		if diff := cmp.Diff(counted(12, 6), byKey(got[i].all())); diff != "" {
			b.Errorf("group %d: %s", i, diff)
		}
	}
}

// counted is what keys with values from 1 to n look like.
func counted(keys, n int) map[string][]string {
	m := map[string][]string{}
	for k := range keys {
		for i := range n {
			m[keyName(k)] = append(m[keyName(k)], strconv.Itoa(i+1))
		}
	}
	return m
}

func membersShare(b *bench) {
	const keys = 20
	one, topic := b.stage(partitions)
	two := b.instance()
	var got [2]seen
	first := one.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: got[0].done})
	two.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: got[1].done})
	b.until("both members ready", first.Ready)
	published := 0
	b.until("both members have messages", func() bool {
		published++
		one.publish(numbered(topic, keys, keys, published)...)
		return got[0].len() > 0 && got[1].len() > 0
	})
	b.until("all messages are handled", func() bool { return got[0].len()+got[1].len() >= keys*published })
	times := map[string]int{}
	for _, r := range append(got[0].all(), got[1].all()...) {
		times[r.ID]++
	}
	for id, n := range times {
		if n != 1 {
			b.Errorf("message %s came %d times", id, n)
		}
	}
}

// ownerChange lets a second member come and go while messages arrive: in order, none twice.
func ownerChange(b *bench) {
	one, topic := b.stage(partitions)
	two := b.instance()
	var got, second seen
	handle := func(s *seen) func(broker.Delivery) {
		return func(d broker.Delivery) {
			if s != nil {
				s.add(d)
			}
			got.begin(d)
			<-time.After(time.Millisecond)
			got.end(d)
			d.Done()
		}
	}
	flow := &flow{b: b, in: one, topic: topic, keys: 24}
	one.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: handle(nil)})
	flow.until("the first member works", func() bool { return got.len() > 0 })
	m := two.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: handle(&second)})
	flow.until("the second member works", func() bool { return second.len() > 0 })
	two.leave(m)
	flow.round()
	b.until("all messages are handled", func() bool { return got.len() >= flow.rounds*flow.keys })
	if diff := cmp.Diff(counted(flow.keys, flow.rounds), byKey(got.all())); diff != "" {
		b.Error(diff)
	}
	if _, ofKey := got.atOnce(); ofKey != 1 {
		b.Errorf("%d messages of one key were handled at once", ofKey)
	}
}

// flow publishes a message of every key, again and again.
type flow struct {
	b            *bench
	in           *instance
	topic        string
	keys, rounds int
}

func (f *flow) round() {
	f.b.Helper()
	f.rounds++
	f.in.publish(numbered(f.topic, f.keys, f.keys, f.rounds)...)
}

func (f *flow) until(what string, ok func() bool) {
	f.b.Helper()
	f.b.until(what, func() bool {
		f.round()
		return ok()
	})
}

// slowHandover has a handler run until another member has joined and handled messages.
func slowHandover(b *bench) {
	one, topic := b.stage(partitions)
	two := b.instance()
	slow := b.gate()
	running := make(chan struct{}, 100)
	one.publish(record(topic, "slow", "slow"))
	one.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		if string(d.Record().Value) == "slow" {
			running <- struct{}{}
			slow.wait()
		}
		d.Done()
	}})
	receive(b, "the slow handler", running)
	var got seen
	begin := time.Now()
	two.enter(b.groupOf(broker.Subscription{Topic: topic, Concurrency: 4, Handle: got.done}))
	flow := &flow{b: b, in: one, topic: topic, keys: 24}
	flow.until("the second member works", func() bool { return got.len() > 0 })
	if waited := time.Since(begin); waited > handoverTime {
		b.Errorf("the second member waited for %v", waited)
	}
	slow.open()
}

func manyTopics(b *bench) {
	const n = 8
	in := b.instance()
	var got [n]seen
	var names []string
	var ss []broker.Subscription
	for i := range n {
		names = append(names, b.topic(in, 2))
		ss = append(ss, broker.Subscription{Topic: names[i], Handle: got[i].done})
	}
	in.join(ss...)
	for i, name := range names {
		in.publish(record(name, "k", "for "+strconv.Itoa(i)))
	}
	for i := range got {
		got[i].wait(b, 1)
		if diff := cmp.Diff([]string{"for " + strconv.Itoa(i)}, got[i].values()); diff != "" {
			b.Error(diff)
		}
		if r := got[i].all()[0]; r.Topic != names[i] {
			b.Errorf("a message of %s is said to be of %s", names[i], r.Topic)
		}
	}
}

func differentTopics(b *bench) {
	one, first := b.stage(2)
	two, second := b.stage(2)
	var got [2]seen
	one.join(broker.Subscription{Topic: first, Handle: got[0].done})
	two.join(broker.Subscription{Topic: second, Handle: got[1].done})
	one.publish(append(texts(first, "a1", "b1", "c1"), texts(second, "a2", "b2")...)...)
	got[0].waitFor(b, "a1", "b1", "c1")
	got[1].waitFor(b, "a2", "b2")
	if got[0].len() != 3 || got[1].len() != 2 {
		b.Errorf("the members have %v and %v", got[0].values(), got[1].values())
	}
}

func lateTopic(b *bench) {
	in := b.instance()
	name := unique("conformance")
	var got seen
	in.enter(b.groupOf(broker.Subscription{Topic: name, Handle: got.done}))
	b.create(in, broker.TopicConfig{Name: name, Partitions: 1})
	in.oneByOne(texts(name, "a1", "a2")...)
	got.wait(b, 2)
	if diff := cmp.Diff([]string{"a1", "a2"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func broadcastLatest(b *bench) {
	in, topic := b.stage(2)
	in.publish(texts(topic, "a-old", "b-old")...)
	got := b.broadcast(topic, broker.StartLatest, in, b.instance())
	in.publish(texts(topic, "a1", "b1", "a2", "b2")...)
	want := map[string][]string{"a": {"a1", "a2"}, "b": {"b1", "b2"}}
	b.eachSaw(got, 4, want)
}

func broadcastEarliest(b *bench) {
	in, topic := b.stage(2)
	in.publish(texts(topic, "a1", "b1", "a2")...)
	want := map[string][]string{"a": {"a1", "a2"}, "b": {"b1"}}
	for range 2 { // the second time positions would have been kept
		got := b.broadcast(topic, broker.StartEarliest, in)
		got[0].wait(b, 3)
		if diff := cmp.Diff(want, byKey(got[0].all())); diff != "" {
			b.Error(diff)
		}
		in = in.restart()
	}
}

func (b *bench) broadcast(topic string, start broker.Start, ins ...*instance) []seen {
	b.Helper()
	got := make([]seen, len(ins))
	for i, in := range ins {
		g := b.groupOf(broker.Subscription{Topic: topic, Start: start, Concurrency: 2, Handle: got[i].done})
		g.Broadcast = true
		in.joinGroup(g)
	}
	return got
}

func broadcastParked(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(record(topic, "a", "a1"), record(topic, "", "first"), record(topic, "a", "a2"), record(topic, "", "second"))
	got := make([]seen, 2)
	for i := range got {
		g := b.groupOf(broker.Subscription{Topic: topic, Start: broker.StartEarliest, Concurrency: 4, Handle: func(d broker.Delivery) {
			got[i].add(d)
			if v := string(d.Record().Value); d.Attempt() == 1 && (v == "a1" || v == "first") {
				d.Park(2, time.Now().Add(parkTime), time.Now())
				return
			}
			d.Done()
		}})
		g.Broadcast = true
		in.joinGroup(g)
	}
	want := map[string][]string{"a": {"a1", "a1", "a2"}, "": {"first", "first", "second"}}
	b.eachSaw(got, 6, want)
}

// eachSaw waits until n messages have come to each instance, and compares them.
func (b *bench) eachSaw(got []seen, n int, want map[string][]string) {
	b.Helper()
	for i := range got {
		got[i].wait(b, n)
		if diff := cmp.Diff(want, byKey(got[i].all())); diff != "" {
			b.Errorf("instance %d: %s", i, diff)
		}
	}
}

func busyTopic(b *bench) {
	in, busy := b.stage(1)
	free := b.topic(in, 1)
	running := make(chan struct{}, 100)
	end := b.gate()
	var slow, got seen
	in.join(
		broker.Subscription{Topic: busy, Concurrency: 1, Bounds: broker.Bounds{Records: 1}, Handle: func(d broker.Delivery) {
			running <- struct{}{}
			end.wait()
			slow.done(d)
		}},
		broker.Subscription{Topic: free, Concurrency: 1, Handle: got.done},
	)
	in.publish(texts(busy, "a1", "b1")...) // once the group has settled: a handler may hold up a join
	receive(b, "the busy handler", running)
	in.publish(texts(free, "a1", "b1", "a2")...)
	got.waitFor(b, "a1", "b1", "a2")
	end.open()
	slow.waitFor(b, "a1", "b1")
}

func slowGroup(b *bench) {
	const n, keys = 3000, 10
	in, topic := b.stage(1)
	var fast, slow seen
	end := b.gate()
	in.joinGroup(broker.Group{Name: b.group + "-slow", Subscriptions: []broker.Subscription{
		{Topic: topic, Concurrency: 1, Bounds: broker.Bounds{Records: 20}, Handle: func(d broker.Delivery) {
			end.wait()
			slow.done(d)
		}},
	}})
	in.join(broker.Subscription{Topic: topic, Concurrency: 8, Handle: fast.done})
	in.publish(numbered(topic, n, keys, 1)...)
	b.untilMoving("one group has handled all", func() int64 { return int64(fast.distinct()) }, n)
	end.open()
	b.untilMoving("the other too", func() int64 { return int64(slow.distinct()) }, n)
	for key, vs := range counted(keys, n/keys) {
		if diff := cmp.Diff(vs, compact(byKey(slow.all())[key])); diff != "" {
			b.Errorf("%s: %s", key, diff)
		}
	}
}

func leavesAlone(b *bench) {
	in, topic := b.stage(2)
	var got, gone, all seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: got.done})
	other := b.groupOf(broker.Subscription{Topic: topic, Concurrency: 2, Handle: gone.done})
	other.Name += "-other"
	m := in.joinGroup(other)
	b.broadcastTo(in, topic, &all)
	in.publish(texts(topic, "a1", "b1")...)
	for _, s := range []*seen{&got, &gone, &all} {
		s.waitFor(b, "a1", "b1")
	}
	in.leave(m)
	in.publish(texts(topic, "a2", "b2")...)
	for _, s := range []*seen{&got, &all} {
		s.waitFor(b, "a2", "b2")
	}
	if diff := cmp.Diff(map[string][]string{"a": {"a1", "a2"}, "b": {"b1", "b2"}}, byKey(got.all())); diff != "" {
		b.Error(diff)
	}
}

func (b *bench) broadcastTo(in *instance, topic string, got *seen) {
	b.Helper()
	g := b.groupOf(broker.Subscription{Topic: topic, Start: broker.StartEarliest, Handle: got.done})
	g.Name, g.Broadcast = g.Name+"-all", true
	in.joinGroup(g)
}

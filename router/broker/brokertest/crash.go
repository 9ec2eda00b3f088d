package brokertest

import (
	"slices"
	"time"

	"github.com/leat-go/leat/router/broker"
)

var crashCases = []testCase{
	{name: "what was being handled at a crash comes again", crashes: true, run: crashRunning},
	{name: "what was released and not done at a crash comes again", crashes: true, run: crashReleased},
	{name: "what a batch held at a crash comes again", crashes: true, run: crashBatch},
	{name: "what was parked at a crash comes again", crashes: true, run: crashParked},
	{name: "order per key holds over a crash", crashes: true, run: crashOrder},
	{name: "the next owner goes on while others of the group go on", crashes: true, run: crashOther},
}

func crashRunning(b *bench) {
	one, topic := b.stage(1)
	two := b.instance()
	one.oneByOne(texts(topic, "a1", "a2")...)
	var first, second seen
	stuck := b.gate()
	one.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		first.add(d)
		stuck.wait()
		d.Done() // too late
	}})
	first.waitFor(b, "a1")
	one.crash()
	two.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: second.done})
	second.waitFor(b, "a1", "a2") // their order is another case
}

func crashReleased(b *bench) {
	one, topic := b.stage(1)
	two := b.instance()
	one.oneByOne(texts(topic, "a1", "b1")...)
	var first, second seen
	one.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		first.add(d)
		d.Release() // and its output is never acknowledged
	}})
	first.waitFor(b, "a1")
	one.crash()
	two.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: second.done})
	second.waitFor(b, "a1", "b1")
}

func crashBatch(b *bench) {
	one, topic := b.stage(1)
	two := b.instance()
	one.oneByOne(texts(topic, "a1", "a2", "b1")...)
	var first, second seen
	stuck := b.gate()
	one.join(broker.Subscription{Topic: topic, BatchSize: 3, BatchWait: parkTime, HandleBatch: func(ds []broker.Delivery) {
		for _, d := range ds {
			first.add(d)
		}
		stuck.wait()
		for _, d := range ds {
			d.Done() // too late
		}
	}})
	first.waitFor(b, "a1")
	one.crash()
	two.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: second.done})
	second.waitFor(b, "a1", "a2", "b1")
}

// crashParked has others finished above and below what waits for its retry.
func crashParked(b *bench) {
	one, topic := b.stage(1)
	two := b.instance()
	one.oneByOne(texts(topic, "b1", "a1", "a2", "b2")...)
	var first, second seen
	one.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		first.add(d)
		if string(d.Record().Key) == "a" {
			d.Park(2, time.Now().Add(parkTime), time.Now())
			return
		}
		d.Done()
	}})
	first.waitFor(b, "a1")
	one.crash()
	two.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: second.done})
	second.waitFor(b, "a1", "a2")
}

// crashOrder lets an instance crash in the middle of many messages. What comes again comes in
// order, and nothing is left out that the first owner has not handled.
func crashOrder(b *bench) {
	const n, keys = 400, 8
	one, topic := b.stage(partitions)
	two := b.instance()
	one.publish(numbered(topic, n, keys, 1)...)
	var first, second seen
	one.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: first.done})
	first.wait(b, n/4)
	one.crash()
	two.publish(numbered(topic, keys, keys, n/keys+1)...)
	two.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: second.done})
	want := counted(keys, n/keys+1)
	b.until("the last message of every key", func() bool {
		got := byKey(second.all())
		for key, vs := range want {
			if !slices.Contains(got[key], vs[len(vs)-1]) {
				return false
			}
		}
		return true
	})
	before, after := byKey(first.all()), byKey(second.all())
	for key, vs := range want {
		missing := len(vs) - len(after[key])
		if missing < 0 || missing > len(before[key]) || !slices.Equal(vs[missing:], after[key]) {
			b.Errorf("%s: after %v these came: %v", key, before[key], after[key])
		}
	}
}

func crashOther(b *bench) {
	const keys = 20
	one, topic := b.stage(partitions)
	two := b.instance()
	var first, second seen
	stuck := b.gate()
	m := one.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		first.add(d)
		stuck.wait()
		d.Done()
	}})
	two.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: second.done})
	b.until("both members ready", m.Ready)
	flow := &flow{b: b, in: two, topic: topic, keys: keys}
	flow.until("both members have messages", func() bool { return first.len() > 0 && second.len() > 0 })
	one.crash()
	flow.round()
	b.until("every message is handled by the member that is left", func() bool {
		left := byKey(second.all())
		for key, vs := range counted(keys, flow.rounds) {
			if !slices.Equal(compact(left[key]), vs) {
				return false
			}
		}
		return true
	})
}

// compact drops repeats.
func compact(vs []string) (out []string) {
	for _, v := range vs {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

package brokertest

import (
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var orderCases = []testCase{
	{name: "order per key at concurrency 1", run: func(b *bench) { orderAt(b, 1) }},
	{name: "order per key at concurrency 10", run: func(b *bench) { orderAt(b, 10) }},
	{name: "order per key at concurrency 100", run: func(b *bench) { orderAt(b, 100) }},
	{name: "different keys are handled side by side", run: sideBySide},
	{name: "messages without a key keep their order", run: keylessOrder},
	{name: "unordered messages without a key are handled side by side", run: unordered},
}

func orderAt(b *bench, concurrency int) {
	const n, keys = 300, 15
	in, topic := b.stage(partitions)
	in.publish(numbered(topic, n, keys, 1)...)
	var got seen
	in.join(broker.Subscription{Topic: topic, Concurrency: concurrency, Handle: func(d broker.Delivery) {
		got.begin(d)
		<-time.After(100 * time.Microsecond)
		got.end(d)
		d.Done()
	}})
	got.wait(b, n)
	if diff := cmp.Diff(counted(keys, n/keys), byKey(got.all())); diff != "" {
		b.Error(diff)
	}
	all, ofKey := got.atOnce()
	if all > concurrency || ofKey != 1 {
		b.Errorf("at once %d handlers ran, %d of one key; allowed are %d and 1", all, ofKey, concurrency)
	}
}

func sideBySide(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1", "a2", "b1", "b2", "c1", "c2")...)
	meet(b, in, 3, broker.Subscription{Topic: topic, Concurrency: 3})
}

func unordered(b *bench) {
	in, topic := b.stage(1)
	for i := range 6 {
		in.publish(record(topic, "", strconv.Itoa(i)))
	}
	meet(b, in, 3, broker.Subscription{Topic: topic, Concurrency: 3, Unordered: true})
}

// meet waits until n handlers run at the same time.
func meet(b *bench, in *instance, n int, s broker.Subscription) {
	b.Helper()
	var got seen
	met := b.gate()
	s.Handle = func(d broker.Delivery) {
		got.begin(d)
		met.wait()
		got.end(d)
		d.Done()
	}
	in.join(s)
	b.until(strconv.Itoa(n)+" handlers at once", func() bool { return got.runningNow() == n })
	met.open()
	got.wait(b, 6)
	if all, _ := got.atOnce(); all != n {
		b.Errorf("%d handlers ran at once, want %d", all, n)
	}
}

func keylessOrder(b *bench) {
	const n = 30
	in, topic := b.stage(1)
	var got seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 8, Handle: func(d broker.Delivery) {
		got.begin(d)
		<-time.After(100 * time.Microsecond)
		got.end(d)
		d.Done()
	}})
	var want []string
	for i := range n {
		want = append(want, strconv.Itoa(i))
		in.publish(record(topic, "", strconv.Itoa(i)))
	}
	got.wait(b, n)
	if diff := cmp.Diff(want, got.values()); diff != "" {
		b.Error(diff)
	}
	if all, _ := got.atOnce(); all != 1 {
		b.Errorf("%d messages without a key were handled at once", all)
	}
}

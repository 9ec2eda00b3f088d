package brokertest

import (
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var batchCases = []testCase{
	{name: "a batch is full at its size", run: batchSize},
	{name: "a batch is handed over when its wait is over", run: batchWait},
	{name: "batches hold the messages of a key in order", run: batchOrder},
	{name: "a message parked out of a batch comes again, the rest does not", run: batchParked},
	{name: "what a batch gives back comes again behind what it parked", run: batchBehind},
}

// batches collects batches.
type batches struct {
	seen
	sizes []int
}

func (bs *batches) note(ds []broker.Delivery) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.sizes = append(bs.sizes, len(ds))
}

func (bs *batches) done(ds []broker.Delivery) {
	bs.note(ds)
	for _, d := range ds {
		bs.seen.done(d)
	}
}

func batchSize(b *bench) {
	in, topic := b.stage(1)
	in.publish(numbered(topic, 15, 15, 1)...)
	var got batches
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, BatchSize: 5, BatchWait: time.Hour, HandleBatch: got.done})
	got.wait(b, 15)
	if diff := cmp.Diff([]int{5, 5, 5}, got.sizes); diff != "" {
		b.Error(diff)
	}
}

func batchWait(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1", "b1", "c1")...)
	var got batches
	in.join(broker.Subscription{Topic: topic, BatchSize: 100, BatchWait: 100 * time.Millisecond, HandleBatch: got.done})
	got.waitFor(b, "a1", "b1", "c1")
}

func batchOrder(b *bench) {
	const n, keys = 120, 6
	in, topic := b.stage(partitions)
	in.publish(numbered(topic, n, keys, 1)...)
	var got batches
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, BatchSize: 10, BatchWait: 50 * time.Millisecond, HandleBatch: func(ds []broker.Delivery) {
		got.note(ds)
		for _, d := range ds {
			got.add(d)
		}
		<-time.After(time.Millisecond)
		for _, d := range ds {
			d.Done()
		}
	}})
	got.wait(b, n)
	if diff := cmp.Diff(counted(keys, n/keys), byKey(got.all())); diff != "" {
		b.Error(diff)
	}
	for _, size := range got.sizes {
		if size < 1 || size > 10 {
			b.Errorf("a batch holds %d messages, allowed are 1 to 10", size)
		}
	}
}

func batchParked(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "b1", "c1", "d1")...)
	var got batches
	in.join(broker.Subscription{Topic: topic, BatchSize: 4, BatchWait: parkTime, HandleBatch: func(ds []broker.Delivery) {
		for _, d := range ds {
			got.add(d)
			if string(d.Record().Value) == "b1" && d.Attempt() == 1 {
				d.Park(2, time.Now().Add(parkTime), time.Now())
				continue
			}
			d.Done()
		}
	}})
	got.wait(b, 5)
	in.publish(texts(topic, "a2", "b2", "c2", "d2")...)
	got.waitFor(b, "a2", "b2", "c2", "d2")
	want := map[string][]string{"a": {"a1", "a2"}, "b": {"b1", "b1", "b2"}, "c": {"c1", "c2"}, "d": {"d1", "d2"}}
	if diff := cmp.Diff(want, byKey(got.all())); diff != "" {
		b.Error(diff)
	}
}

// batchBehind fails a2 in the middle of a batch: a3 is given back as it was.
func batchBehind(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "a3", "b1")...)
	var finished seen
	var failed sync.Once
	in.join(broker.Subscription{Topic: topic, BatchSize: 4, BatchWait: parkTime, HandleBatch: func(ds []broker.Delivery) {
		behind := false
		for _, d := range ds {
			key, value := string(d.Record().Key), string(d.Record().Value)
			if value == "a2" {
				failed.Do(func() { behind = true; d.Park(2, time.Now().Add(parkTime), time.Now()) })
			}
			switch {
			case behind && value == "a2":
			case behind && key == "a":
				d.Park(d.Attempt(), time.Time{}, d.FirstFailed())
			default:
				finished.done(d)
			}
		}
	}})
	finished.waitFor(b, "a1", "a2", "a3", "b1")
	var ofA []sight
	for _, s := range finished.list() {
		if !isB(s) {
			ofA = append(ofA, s)
		}
	}
	if diff := cmp.Diff([]sight{{"a1", 1}, {"a2", 2}, {"a3", 1}}, ofA); diff != "" {
		b.Error(diff)
	}
}

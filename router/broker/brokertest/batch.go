package brokertest

import (
	"slices"
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
	{name: "what a batch returns is left to the next owner, and nothing else", run: batchReturned},
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

// begin and end enclose what a handler does with a batch, in which a key counts once.
func (bs *batches) begin(ds []broker.Delivery) {
	bs.note(ds)
	for _, d := range ds {
		bs.add(d)
	}
	bs.count(ds, 1)
}

func (bs *batches) end(ds []broker.Delivery) { bs.count(ds, -1) }

func (bs *batches) count(ds []broker.Delivery, n int) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.running == nil {
		bs.running = map[string]int{}
	}
	bs.now += n
	bs.most = max(bs.most, bs.now)
	for key := range keysOf(ds) {
		bs.running[key] += n
		bs.mostKey = max(bs.mostKey, bs.running[key])
	}
}

func keysOf(ds []broker.Delivery) map[string]bool {
	keys := map[string]bool{}
	for _, d := range ds {
		keys[string(d.Record().Key)] = true
	}
	return keys
}

func (bs *batches) allSizes() []int {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return slices.Clone(bs.sizes)
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
	if diff := cmp.Diff([]int{5, 5, 5}, got.allSizes()); diff != "" {
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

// batchOrder has a third of the messages share a key, and restarts: nothing finished may come again.
func batchOrder(b *bench) {
	const n, keys, concurrency = 240, 40, 4
	in, topic := b.stage(1)
	rs := numbered(topic, n, keys, 1)
	for i := 0; i < n; i += 3 {
		rs[i].Key = []byte("hot")
	}
	in.publish(rs...)
	var got batches
	s := broker.Subscription{Topic: topic, Concurrency: concurrency, BatchSize: 10, BatchWait: 50 * time.Millisecond, HandleBatch: func(ds []broker.Delivery) {
		got.begin(ds)
		<-time.After(5 * time.Millisecond)
		got.end(ds)
		for _, d := range ds {
			d.Done()
		}
	}}
	in.join(s)
	got.wait(b, n)
	in = in.restart()
	more := numbered(topic, keys, keys, n/keys+1)
	in.publish(more...)
	in.join(s)
	got.wait(b, n+keys)
	if diff := cmp.Diff(byKey(append(rs, more...)), byKey(got.all())); diff != "" {
		b.Error(diff)
	}
	if all, ofKey := got.atOnce(); all > concurrency || ofKey != 1 {
		b.Errorf("at once %d batches were handled, %d with the same key; allowed are %d and 1", all, ofKey, concurrency)
	}
	for _, size := range got.allSizes() {
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

func batchReturned(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "b1", "c1", "d1")...)
	var finished, second seen
	returned := make(chan struct{}, 100)
	in.join(broker.Subscription{Topic: topic, BatchSize: 4, BatchWait: parkTime, HandleBatch: func(ds []broker.Delivery) {
		for _, d := range ds {
			if string(d.Record().Value) == "b1" {
				d.Return()
				returned <- struct{}{}
				continue
			}
			finished.done(d)
		}
	}})
	receive(b, "the message to return", returned)
	in = in.restart()
	in.publish(texts(topic, "e1")...)
	in.join(broker.Subscription{Topic: topic, BatchSize: 4, BatchWait: parkTime, HandleBatch: func(ds []broker.Delivery) {
		for _, d := range ds {
			second.done(d)
		}
	}})
	second.waitFor(b, "b1", "e1")
	for _, s := range second.list() {
		if finished.has(s.Value) || s.Attempt != 1 {
			b.Errorf("%s comes as attempt %d, finished were %v", s.Value, s.Attempt, finished.values())
		}
	}
}

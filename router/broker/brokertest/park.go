package brokertest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var parkCases = []testCase{
	{name: "a parked message comes again when it is due, before what follows in its key", run: parkedWaits},
	{name: "a parked key holds up nobody else", run: parkedAlone},
	{name: "a hundred parked keys hold up nobody else", run: parkedMany},
	{name: "a parked message comes as the attempt it was parked for", run: parkedAttempt},
	{name: "a parked message without a key comes again before those behind it", run: parkedKeyless},
	{name: "a parked message holds up no other without a key where no order is asked for", run: parkedUnordered},
	{name: "a returned message is left to the next owner, and its key waits", run: returned},
}

// parkTime is how long messages wait here.
const parkTime = 300 * time.Millisecond

func parkedWaits(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "a3")...)
	var got seen
	var mu sync.Mutex
	var due time.Time
	var early time.Duration
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		mu.Lock()
		defer mu.Unlock()
		got.add(d)
		if due.IsZero() {
			due = time.Now().Add(parkTime)
			d.Park(2, due, time.Now())
			return
		}
		early = max(early, time.Until(due))
		d.Done()
	}})
	got.waitFor(b, "a3")
	if diff := cmp.Diff([]sight{{"a1", 1}, {"a1", 2}, {"a2", 1}, {"a3", 1}}, got.list()); diff != "" {
		b.Error(diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if early > time.Millisecond {
		b.Errorf("came %v before it was due", early)
	}
}

func parkedAlone(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "b1", "b2")...)
	var got seen
	free := b.gate()
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		got.add(d)
		switch {
		case string(d.Record().Value) == "a1" && d.Attempt() == 1:
			d.Park(2, time.Now().Add(4*parkTime), time.Now())
			return
		case string(d.Record().Value) == "b2":
			free.open()
		}
		d.Done()
	}})
	receive(b, "the other key while one is parked", free.c)
	if got.has("a2") {
		b.Errorf("a message overtook one of its key that waits: %v", got.values())
	}
	got.waitFor(b, "a2")
	if diff := cmp.Diff([]sight{{"a1", 1}, {"b1", 1}, {"b2", 1}, {"a1", 2}, {"a2", 1}}, got.list()); diff != "" {
		b.Error(diff)
	}
}

func parkedMany(b *bench) {
	const keys = 100
	in, topic := b.stage(1)
	in.publish(numbered(topic, 2*keys, keys, 1)...)
	in.publish(record(topic, "free", "free"))
	var got seen
	due := sync.OnceValue(func() time.Time { return time.Now().Add(6 * parkTime) })
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		got.add(d)
		if string(d.Record().Value) == "1" && d.Attempt() == 1 {
			d.Park(2, due(), time.Now())
			return
		}
		d.Done()
	}})
	got.wait(b, 3*keys+1)
	vs := got.values()
	if at := slices.Index(vs, "free"); at != keys {
		b.Errorf("the free key was handled as number %d, want right after the %d that were parked", at, keys)
	}
	for k, vs := range byKey(got.all()) {
		if diff := cmp.Diff([]string{"1", "1", "2"}, vs); diff != "" && k != "free" {
			b.Errorf("%s: %s", k, diff)
		}
	}
}

func parkedKeyless(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(record(topic, "", "1"), record(topic, "", "2"), record(topic, "k", "3"), record(topic, "", "4"))
	var got seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		got.add(d)
		if d.Record().Key == nil && d.Attempt() == 1 {
			d.Park(2, time.Now().Add(parkTime/3), time.Now())
			return
		}
		d.Done()
	}})
	got.wait(b, 7)
	keyless := byKey(got.all())[""]
	if diff := cmp.Diff([]string{"1", "1", "2", "2", "4", "4"}, keyless); diff != "" {
		b.Error(diff)
	}
}

func parkedUnordered(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(record(topic, "", "1"), record(topic, "", "2"), record(topic, "", "3"))
	var got seen
	others := b.gate()
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Unordered: true, Handle: func(d broker.Delivery) {
		got.add(d)
		switch {
		case string(d.Record().Value) == "1" && d.Attempt() == 1:
			d.Park(2, time.Now().Add(4*parkTime), time.Now())
			return
		case string(d.Record().Value) == "3":
			others.open()
		}
		d.Done()
	}})
	receive(b, "the others", others.c)
	got.wait(b, 4)
	if diff := cmp.Diff([]sight{{"1", 1}, {"2", 1}, {"3", 1}, {"1", 2}}, got.list()); diff != "" {
		b.Error(diff)
	}
}

func parkedAttempt(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	failed := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	saw := make(chan string, 100)
	in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		saw <- fmt.Sprint(d.Attempt(), " ", d.FirstFailed().UnixMilli())
		switch d.Attempt() {
		case 1:
			d.Park(5, time.Time{}, failed)
		case 5:
			d.Park(6, time.Now(), failed)
		default:
			d.Done()
		}
	}})
	for _, want := range []string{fmt.Sprint(1, " ", time.Time{}.UnixMilli()), fmt.Sprint(5, " ", failed.UnixMilli()), fmt.Sprint(6, " ", failed.UnixMilli())} {
		if got := receive(b, "delivery", saw); got != want {
			b.Errorf("attempt and first failure are %s, want %s", got, want)
		}
	}
}

func returned(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "b1")...)
	var first, second seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		first.add(d)
		if string(d.Record().Value) == "a1" {
			d.Return()
			return
		}
		d.Done()
	}})
	first.waitFor(b, "a1")
	in = in.restart()
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: second.done})
	second.waitFor(b, "a1", "a2")
	if first.has("a2") {
		b.Error("what follows a returned message was handled before it")
	}
	if diff := cmp.Diff([]sight{{"a1", 1}, {"a2", 1}}, slices.DeleteFunc(second.list(), isB)); diff != "" {
		b.Error(diff)
	}
}

func isB(s sight) bool { return s.Value[0] == 'b' }

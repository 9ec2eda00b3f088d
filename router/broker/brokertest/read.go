package brokertest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var readCases = []testCase{
	{name: "reading from the earliest message to the end", run: readAll},
	{name: "reading an empty topic to the end", run: readNothing},
	{name: "reading from the latest message", run: readLatest},
	{name: "reading since a time", run: readSince},
	{name: "reading until a time", run: readUntil},
	{name: "reading goes on with what comes", run: readOn},
	{name: "reading ends with its context", run: readCancelled},
	{name: "reading several topics", run: readSeveral},
}

// read returns all that topics have.
func (in *instance) read(names ...string) []*broker.Record {
	in.b.Helper()
	return in.readWith(broker.ReadOptions{Topics: names, Start: broker.StartEarliest, UntilEnd: true})
}

func (in *instance) readWith(o broker.ReadOptions) (rs []*broker.Record) {
	in.b.Helper()
	for r, err := range in.Read(in.b.within(), o) {
		if err != nil {
			in.b.Fatalf("read %v: %v", o.Topics, err)
		}
		rs = append(rs, r)
	}
	return rs
}

func readAll(b *bench) {
	const n, keys = 60, 6
	in, topic := b.stage(partitions)
	in.publish(numbered(topic, n, keys, 1)...)
	for range 2 { // reading keeps no positions
		if diff := cmp.Diff(counted(keys, n/keys), byKey(in.read(topic))); diff != "" {
			b.Error(diff)
		}
	}
}

func readNothing(b *bench) {
	in, topic := b.stage(partitions)
	if rs := in.read(topic); len(rs) != 0 {
		b.Errorf("%d records in an empty topic", len(rs))
	}
}

func readLatest(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a-old")...)
	got, stop := in.follow(broker.ReadOptions{Topics: []string{topic}, Start: broker.StartLatest})
	defer stop()
	n := 0
	b.until("what was published after reading began", func() bool {
		n++
		in.publish(record(topic, "a", strconv.Itoa(n)))
		return got.len() > 0
	})
	if got.has("a-old") {
		b.Error("reading from the latest message gives older ones")
	}
}

// follow reads beside the case until stop is called.
func (in *instance) follow(o broker.ReadOptions) (got *seen, stop func()) {
	got = &seen{}
	ctx, cancel := context.WithCancel(in.b.within())
	var reading sync.WaitGroup
	reading.Go(func() {
		for r, err := range in.Read(ctx, o) {
			if err != nil {
				return // reported by what waits in vain
			}
			got.keep(r)
		}
	})
	return got, func() { cancel(); reading.Wait() }
}

func (s *seen) keep(r *broker.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
}

// cut publishes before and after a moment.
func cut(b *bench) (in *instance, topic string, at time.Time) {
	b.Helper()
	in, topic = b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	b.passes(20 * time.Millisecond)
	at = time.Now()
	b.passes(20 * time.Millisecond)
	in.oneByOne(texts(topic, "a3", "a4")...)
	return in, topic, at
}

// passes lets time go by, so that the clocks of messages differ.
func (b *bench) passes(d time.Duration) {
	b.Helper()
	start := time.Now()
	b.until("time passes", func() bool { return time.Since(start) > d })
}

func readSince(b *bench) {
	in, topic, at := cut(b)
	rs := in.readWith(broker.ReadOptions{Topics: []string{topic}, Since: at, UntilEnd: true})
	if diff := cmp.Diff([]string{"a3", "a4"}, values(rs)); diff != "" {
		b.Error(diff)
	}
}

func readUntil(b *bench) {
	in, topic, at := cut(b)
	rs := in.readWith(broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest, Until: at})
	if diff := cmp.Diff([]string{"a1", "a2"}, values(rs)); diff != "" {
		b.Error(diff)
	}
}

func readOn(b *bench) {
	in, topic := b.stage(1)
	in.publish(texts(topic, "a1")...)
	got, stop := in.follow(broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest})
	defer stop()
	got.waitFor(b, "a1")
	in.oneByOne(texts(topic, "a2", "a3")...)
	got.waitFor(b, "a3")
	if diff := cmp.Diff([]string{"a1", "a2", "a3"}, got.values()); diff != "" {
		b.Error(diff)
	}
}

func readCancelled(b *bench) {
	in, topic := b.stage(partitions)
	in.publish(texts(topic, "a1")...)
	got, stop := in.follow(broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest})
	got.waitFor(b, "a1")
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	receive(b, "the end of reading", ended)
	for _, err := range in.Read(b.within(), broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest}) {
		if err != nil {
			b.Error(err)
		}
		break // who has had enough leaves nothing behind either
	}
}

func readSeveral(b *bench) {
	in, first := b.stage(2)
	second := b.topic(in, 1)
	in.publish(append(texts(first, "a1", "b1"), texts(second, "c1", "c2")...)...)
	rs := in.read(first, second)
	want := map[string][]string{"a": {"a1"}, "b": {"b1"}, "c": {"c1", "c2"}}
	if diff := cmp.Diff(want, byKey(rs)); diff != "" {
		b.Error(diff)
	}
	for _, r := range rs {
		if want := map[bool]string{true: first, false: second}[string(r.Key) != "c"]; r.Topic != want {
			b.Errorf("%s is said to be of %s, not %s", r.Value, r.Topic, want)
		}
	}
}

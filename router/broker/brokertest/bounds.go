package brokertest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
)

var boundCases = []testCase{
	{name: "the bound of records pauses and resumes", run: func(b *bench) {
		bounded(b, 10, broker.Bounds{Records: 50}, func(*broker.Record) bool { return true })
	}},
	{name: "the bound of bytes pauses and resumes", run: func(b *bench) {
		bounded(b, 1000, broker.Bounds{Bytes: 64 << 10}, func(*broker.Record) bool { return true })
	}},
	{name: "the bound of the span pauses and resumes", run: func(b *bench) {
		bounded(b, 10, broker.Bounds{Span: 50}, func(r *broker.Record) bool { return string(r.Key) == keyName(0) })
	}},
	{name: "a span that is full holds up no other partition", run: spanAlone},
}

const (
	// boundMessages are many more than the bounds here.
	boundMessages = 4000
	// boundSlack is what may be delivered beyond a bound: one fetch or two.
	boundSlack = 1200
	// quiet is how long nothing comes until delivery counts as paused.
	quiet = 300 * time.Millisecond
)

// bounded keeps the messages that keeps says until delivery pauses, far below the number of
// messages, then finishes them: now all must come, each once unless membership was lost, as
// it is by a process that stands still for longer than its lease: then what was not finished
// comes again.
func bounded(b *bench, size int, bounds broker.Bounds, keeps func(*broker.Record) bool) {
	b.Helper()
	const keys = 20
	in, topic := b.stage(1)
	rs := numbered(topic, boundMessages, keys, 1)
	for _, r := range rs {
		r.Headers = broker.Headers{{Key: "padding", Value: []byte(strings.Repeat("x", size))}}
	}
	in.publish(rs...)
	var got seen
	var held memberships
	kept := make(chan broker.Delivery, boundMessages)
	end := b.gate()
	in.join(broker.Subscription{Topic: topic, Concurrency: 8, Bounds: bounds, Handle: func(d broker.Delivery) {
		got.add(d)
		held.add(d)
		if !keeps(d.Record()) {
			d.Done()
			return
		}
		d.Release()
		kept <- d
		select {
		case <-end.c:
			finish(kept)
		default:
		}
	}})
	got.wait(b, 1)
	if n := b.settled(&got); n > 50+boundSlack && !held.lost() {
		b.Errorf("%d messages were delivered of which none or the first was finished", n)
	}
	end.open()
	finish(kept)
	b.untilMoving("all have come", func() int64 { return int64(got.distinct()) }, boundMessages)
	for key, vs := range byKey(got.all()) {
		if len(vs) != boundMessages/keys && !held.lost() {
			b.Errorf("%s: %d messages came, want %d", key, len(vs), boundMessages/keys)
		}
	}
}

// memberships are those of what was delivered, by their contexts, with how much that was.
type memberships struct {
	mu  sync.Mutex
	all map[context.Context]int
}

func (m *memberships) add(d broker.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[context.Context]int{}
	}
	m.all[d.Context()]++
}

// lost tells whether one of them ended before the case did. A context of one delivery alone
// is no membership: it may end with the delivery.
func (m *memberships) lost() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx, deliveries := range m.all {
		if deliveries > 1 && ctx.Err() != nil {
			return true
		}
	}
	return false
}

// finish finishes what is kept.
func finish(kept chan broker.Delivery) {
	for {
		select {
		case d := <-kept:
			d.Done()
		default:
			return
		}
	}
}

// settled waits until nothing more comes and returns how much came.
func (b *bench) settled(s *seen) (n int) {
	b.Helper()
	since := time.Now()
	b.until("delivery pauses", func() bool {
		if now := s.len(); now != n {
			n, since = now, time.Now()
		}
		return time.Since(since) > quiet
	})
	return n
}

// spanAlone keeps one message for as long as it takes to handle all of another partition.
func spanAlone(b *bench) {
	const n, keys = 2000, 20
	in, topic := b.stage(2)
	stuck := broker.PartitionOf([]byte(keyName(0)), 2)
	of := map[int32]*atomic.Int64{0: {}, 1: {}}
	var kept atomic.Bool
	end := b.gate()
	in.publish(numbered(topic, n, keys, 1)...)
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Bounds: broker.Bounds{Span: 50}, Handle: func(d broker.Delivery) {
		if d.Record().Partition == stuck && !kept.Swap(true) {
			end.wait()
		}
		of[d.Record().Partition].Add(1)
		d.Done()
	}})
	free := 0
	for k := range keys {
		if broker.PartitionOf([]byte(keyName(k)), 2) != stuck {
			free += n / keys
		}
	}
	b.untilMoving("all of the other partition is handled", of[1-stuck].Load, int64(free))
	end.open()
	b.untilMoving("all is handled", of[stuck].Load, int64(n-free))
}

package kafka_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
)

// TestSlowHandlersFetchLess has a handler that stops until that was noticed, and is fast from then on. What is
// asked for shows in fetches of the other partition.
func TestSlowHandlersFetchLess(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	var first, asked atomic.Int32 // for a partition, at first and last
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
		for _, topic := range r.(*kmsg.FetchRequest).Topics { //nolint:forcetypeassert // by its key
			for _, p := range topic.Partitions {
				first.CompareAndSwap(0, p.PartitionMaxBytes)
				asked.Store(p.PartitionMaxBytes)
			}
		}
		return true
	}})
	create(t, b, broker.TopicConfig{Name: "one", Partitions: 2})
	open := make(chan struct{})
	m := joinReady(t, b, "g", broker.Subscription{Topic: "one", Concurrency: 2, Bounds: broker.Bounds{Records: 200}, Handle: func(d broker.Delivery) {
		if string(d.Record().Key) == "key-0" {
			<-open
		}
		d.Done()
	}})
	asks := func(n int32) func() bool {
		return func() bool {
			produce(t, b.Sends(), keyed("one", 20, 20)...)
			return asked.Load() == n
		}
	}
	const much, little = 1 << 20, 256 << 10
	eventually(t, "a large fetch", asks(much))
	if n := first.Load(); n != 64<<10 {
		t.Errorf("the first fetch asks for %d bytes of a partition", n)
	}
	produce(t, b.Sends(), keyed("one", 500, 1)...)
	eventually(t, "smaller fetches", asks(little))
	close(open)
	produce(t, b.Sends(), keyed("one", 500, 1)...)
	eventually(t, "large fetches again", func() bool {
		produce(t, b.Sends(), keyed("one", 500, 1)...)
		return asked.Load() == much
	})
	leave(t, m)
}

// fetching is from where on a client fetched, and when for the first time.
type fetching struct {
	mu    sync.Mutex
	from  []int64
	times []time.Time
}

func (p *fetching) look(r kmsg.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topic := range r.(*kmsg.FetchRequest).Topics { //nolint:forcetypeassert // by its key
		for _, part := range topic.Partitions {
			if !slices.Contains(p.from, part.FetchOffset) {
				p.from, p.times = append(p.from, part.FetchOffset), append(p.times, time.Now())
			}
		}
	}
	return true
}

// until returns how many fetches the client took to come to an offset, and how long.
func (p *fetching) until(offset int64) (fetches int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := slices.Index(p.from, offset)
	if n <= 0 {
		return 0, 0
	}
	return n, p.times[n].Sub(p.times[0])
}

// TestMessagesStayInTheClientWhileWorkersHaveEnough has a worker that is stuck: each poll for 500 messages that it does
// not want yet takes at least 4 ms, but for the last of each fetch. The client fetches anew only when it has none.
func TestMessagesStayInTheClientWhileWorkersHaveEnough(t *testing.T) {
	t.Parallel()
	const messages, poll, wanted, last = 40_000, 500, 1000, 6000
	c, b := fake(t)
	var p fetching
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1, When: p.look})
	create(t, b, broker.TopicConfig{Name: "one", Partitions: 1})
	produce(t, b.Sends(), keyed("one", messages, 1)...)
	open := make(chan struct{})
	m := joinReady(t, b, "g", broker.Subscription{Topic: "one", Bounds: broker.Bounds{Records: 2 * messages}, Handle: func(d broker.Delivery) {
		<-open
		d.Done()
	}})
	eventually(t, "all messages", func() bool { n, _ := p.until(messages); return n > 0 })
	fetches, took := p.until(messages)
	polls := (messages-wanted-fetches*last)/poll - fetches
	if polls < 5 {
		t.Fatalf("%d fetches leave nothing to see", fetches)
	}
	if least := time.Duration(polls) * 4 * time.Millisecond; took < least {
		t.Errorf("%d fetches for messages that nobody wants took %v, want at least %v", fetches, took, least)
	}
	close(open)
	leave(t, m)
}

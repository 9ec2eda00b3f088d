package kafka_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
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

// TestMessagesStayInTheClientWhileWorkersHaveEnough has a worker that is stuck: each poll for 500 messages that it does
// not want yet takes at least 4 ms. Time counts from the last fetch, before its answer.
func TestMessagesStayInTheClientWhileWorkersHaveEnough(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	var fetched atomic.Int64
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1, When: func(kmsg.Request) bool {
		fetched.Store(time.Now().UnixNano())
		return true
	}})
	create(t, b, broker.TopicConfig{Name: "one", Partitions: 1})
	produce(t, b.Sends(), keyed("one", 12_000, 1)...)
	open := make(chan struct{})
	m := joinReady(t, b, "g", broker.Subscription{Topic: "one", Bounds: broker.Bounds{Records: 20_000}, Handle: func(d broker.Delivery) {
		<-open
		d.Done()
	}})
	for kafka.Delivered(m, "one") < 8000 {
		time.Sleep(time.Millisecond) //nolint:forbidigo // it is a matter of milliseconds
	}
	const polls = (8000 - 2500) / 500 // the fetch before may have brought some
	if took := time.Since(time.Unix(0, fetched.Load())); took < (polls-1)*4*time.Millisecond {
		t.Errorf("%d polls for messages that nobody wants took %v", polls, took)
	}
	close(open)
	leave(t, m)
}

package kafka_test

import (
	"sync/atomic"
	"testing"

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

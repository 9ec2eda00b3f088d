package kafka_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// handOver bounds how long a handler that does not return may keep messages from another member,
// with the heartbeats of the defaults.
const handOver = 6 * time.Second

func TestASlowHandlerHoldsUpNoOtherMember(t *testing.T) {
	t.Parallel()
	for name, change := range protocols() {
		for i := range times() {
			t.Run(name+" "+strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				slowHandler(t, change)
			})
		}
	}
}

func slowHandler(t *testing.T, change func(*settings.Kafka)) {
	t.Helper()
	if !testservers.KafkaFor(t).Real {
		t.Skip("the embedded Kafka rebalances in its own time")
	}
	b := newBroker(t, change, func(c *settings.Kafka) { c.HeartbeatInterval = 3 * time.Second })
	topic := newTopic(t, b, 4)
	release := make(chan struct{})
	defer close(release)
	var running seen // in all partitions
	joinReady(t, b, topic, broker.Subscription{Topic: topic, Concurrency: 40, Handle: func(d broker.Delivery) {
		running.add(d.Record())
		<-release
		d.Done()
	}})
	produce(t, b.Sends(), keyed(topic, 40, 40)...)
	running.wait(t, 40)
	came := make(chan time.Time, 100)
	began := time.Now()
	join(t, b, topic, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		came <- time.Now()
		d.Done()
	}})
	took := await(t, came).Sub(began)
	t.Logf("the first message came after %v", took)
	if took > handOver {
		t.Errorf("the first message came after %v, want at most %v", took, handOver)
	}
}

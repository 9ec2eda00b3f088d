package kafka_test

import (
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// handOver bounds how long a handler that does not return may keep messages from another member.
const handOver = 6 * time.Second

func TestASlowHandlerHoldsUpNoOtherMember(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Kafka){
		"cooperative-sticky": func(*settings.Kafka) {},
		"range":              func(c *settings.Kafka) { c.Balancer = "range" },
		"consumer protocol":  func(c *settings.Kafka) { c.GroupProtocol = "consumer" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slowHandler(t, change)
		})
	}
}

func slowHandler(t *testing.T, change func(*settings.Kafka)) {
	t.Helper()
	if !testservers.KafkaFor(t).Real {
		t.Skip("the embedded Kafka rebalances in its own time")
	}
	b := newBroker(t, change)
	topic := newTopic(t, b, 4)
	running, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	defer close(release)
	joinReady(t, b, topic, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		once.Do(func() { close(running) })
		<-release
		d.Done()
	}})
	produce(t, b.Sends(), keyed(topic, 40, 40)...)
	await(t, running)
	came := make(chan time.Time, 100)
	began := time.Now()
	join(t, b, topic, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		came <- time.Now()
		d.Done()
	}})
	if took := await(t, came).Sub(began); took > handOver {
		t.Errorf("the first message came after %v, want at most %v", took, handOver)
	}
}

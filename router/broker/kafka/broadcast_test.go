package kafka_test

import (
	"testing"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
)

func listen(t *testing.T, b *kafka.Broker, s broker.Subscription) {
	t.Helper()
	m, err := b.Join(within(t), broker.Group{Name: testservers.Unique(t, "g"), Broadcast: true, Subscriptions: []broker.Subscription{s}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leave(t, m) })
	eventually(t, "listener ready", m.Ready)
}

func TestEveryListenerHearsEverything(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 3)
	produce(t, b.Sends(), keyed(topic, 300, 30)...)
	var old, one, two seen
	listen(t, b, broker.Subscription{Topic: topic, Handle: old.handle})
	listen(t, b, broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: one.handle})
	listen(t, b, broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: two.handle, Bounds: broker.Bounds{Records: 10, Span: 100}})
	produce(t, b.Sends(), keyed(topic, 3000, 30)...)
	one.wait(t, 3000)
	two.wait(t, 3000)
	old.wait(t, 3300)
	wantInOrder(t, one.keys(), 100)
	wantInOrder(t, two.keys(), 100)
}

func TestABroadcastNeedsAStart(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	_, err := b.Join(within(t), broker.Group{Name: "g", Broadcast: true, Subscriptions: []broker.Subscription{
		{Topic: "t", Start: broker.StartNone, Handle: func(broker.Delivery) {}},
	}})
	if err == nil {
		t.Error("a broadcast that may not choose its start was accepted")
	}
}

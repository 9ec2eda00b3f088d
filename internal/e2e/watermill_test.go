package e2e_test

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// TestWatermillsOwnSuite runs Watermill's conformance tests on our publisher and subscriber, in full.
func TestWatermillsOwnSuite(t *testing.T) {
	features := tests.Features{
		ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: true,
		GenerateTopicFunc: func(c tests.TestContext) string { return "wm-" + string(c.TestID) },
	}
	for _, be := range backends() {
		if be.stock {
			continue // they are Watermill's own, and pass it there
		}
		t.Run(be.name, func(t *testing.T) {
			b := be.open(t)
			tests.TestPubSub(t, features,
				func(t *testing.T) (message.Publisher, message.Subscriber) {
					t.Helper()
					return pubSub(t, b, testservers.Unique(t, "g"))
				},
				func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
					t.Helper()
					return pubSub(t, b, group)
				})
		})
	}
}

func pubSub(t *testing.T, b broker.Broker, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	r := router.New(b, router.Service(group), router.Conventions{
		ShutdownTimeout: 500 * time.Millisecond, // the suite closes, one by one, fifty subscribers with a message that it never takes
		Topic: func(s topics.Spec) topics.Spec { // the suite orders messages without keys: one partition
			s.Partitions = 1
			return s
		},
	})
	p, err := router.NewMessagePublisher(r)
	if err != nil {
		t.Fatal(err)
	}
	return p, router.NewSubscriber(r, router.Retry(0, router.Fixed(10*time.Millisecond)))
}

package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// The servers say in which protocol a group shares out its partitions, and how: the client would stay with the
// classic one without a word.
func TestAGroupSpeaksTheProtocolThatWasAskedFor(t *testing.T) {
	t.Parallel()
	if !testservers.KafkaFor(t).Real {
		t.Skip("the embedded Kafka has one assignor")
	}
	for _, want := range []struct{ protocol, balancer, assignor string }{
		{"classic", "cooperative-sticky", "cooperative-sticky"},
		{"classic", "range", "range"},
		{"consumer", "cooperative-sticky", "uniform"},
		{"consumer", "range", "range"},
	} {
		t.Run(want.protocol+" "+want.balancer, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t, func(c *settings.Kafka) { c.GroupProtocol, c.Balancer = want.protocol, want.balancer })
			topic := newTopic(t, b, 1)
			joinReady(t, b, topic, broker.Subscription{Topic: topic, Handle: broker.Delivery.Done})
			if protocol, assignor := protocolOf(t, topic); protocol != want.protocol || assignor != want.assignor {
				t.Errorf("the group speaks %s with %s, want %s with %s", protocol, assignor, want.protocol, want.assignor)
			}
		})
	}
}

func protocolOf(t *testing.T, group string) (protocol, assignor string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(testservers.KafkaFor(t).Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	req := kmsg.NewConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(within(t), cl)
	if err != nil {
		t.Fatal(err)
	}
	if g := resp.Groups[0]; g.ErrorCode == 0 {
		return "consumer", g.AssignorName
	}
	groups, err := outsider(t).DescribeGroups(within(t), group)
	if err != nil {
		t.Fatal(err)
	}
	return "classic", groups[group].Protocol
}

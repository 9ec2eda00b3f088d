package sarama

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
	"github.com/leat-go/leat/settings"
)

// cannot is what this backend does not meet, with the reasons that the reference gives.
var cannot = []brokertest.Option{
	brokertest.Cannot("a topic that is created after the join is read", "Join refuses a topic that does not exist"),
	brokertest.Cannot("members that come and go under load get each message once, in order", "what is finished during a rebalance comes again"),
	brokertest.Cannot("order per key holds while members join and leave", "what is finished during a rebalance comes again"),
	brokertest.Cannot("a slow handler holds up nobody who joins", "a rebalance waits for running handlers"),
	brokertest.Cannot("different keys are handled side by side", "one message is in flight per partition"),
	brokertest.Cannot("unordered messages without a key are handled side by side", "one message is in flight per partition"),
	brokertest.Cannot("a parked key holds up nobody else", "one message is in flight per partition, also while it waits"),
	brokertest.Cannot("a hundred parked keys hold up nobody else", "one message is in flight per partition, also while it waits"),
	brokertest.Cannot("a parked message holds up no other without a key where no order is asked for", "one message is in flight per partition, also while it waits"),
	brokertest.Cannot("a released message lets the next of its key run", "one message is in flight per partition"),
	brokertest.Cannot("released messages may be done in any order", "one message is in flight per partition"),
	brokertest.Cannot("a held key waits until its message is done", "one message is in flight per partition"),
	brokertest.Cannot("a held key waits until its message is parked", "one message is in flight per partition"),
	brokertest.Cannot("a batch is full at its size", "one message is in flight per partition"),
	brokertest.Cannot("nothing finished comes again while an older message waits", "one message is in flight per partition, also while it waits"),
	brokertest.Cannot("of many messages what is returned comes again and nothing finished", "one message is in flight per partition"),
	brokertest.Cannot("attempts survive a restart", "the stock adapter keeps no attempts"),
	brokertest.Cannot("a parked message is not due earlier for a restart", "the stock adapter keeps no attempts"),
	brokertest.Cannot("an interrupted retry is not counted", "the stock adapter keeps no attempts"),
	brokertest.NotFor("a State topic keeps the latest of each key", "Kafka compacts in its own time"),
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server := testservers.KafkaFor(t)
	if !server.Real {
		t.Skip("the embedded one has its own test")
	}
	conform(t, server)
}

func TestConformanceEmbedded(t *testing.T) {
	t.Parallel()
	conform(t, testservers.EmbeddedKafka(t))
}

// onLines is a broker whose connections can be cut.
type onLines struct {
	*Broker
	lines *brokertest.Lines
}

// dialer is how sarama asks for connections.
type dialer struct{ *brokertest.Lines }

// Dial takes the line to a server.
func (d dialer) Dial(network, addr string) (net.Conn, error) {
	return d.Lines.Dial(context.Background(), network, addr) // sarama gives none
}

func conform(t *testing.T, server testservers.Kafka) {
	t.Helper()
	brokertest.Run(t, func(t testing.TB) broker.Broker {
		t.Helper()
		b, err := New(settings.Kafka{
			BootstrapServers: server.Brokers, EnableAutoCommit: true, AutoCommitInterval: 100 * time.Millisecond,
			SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RetryBackoff: 50 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		lines := brokertest.NewLines(t)
		b.conf.Net.Proxy.Enable, b.conf.Net.Proxy.Dialer = true, dialer{lines}
		return onLines{b, lines}
	}, append(cannot, brokertest.Crash(func(b broker.Broker, _ []broker.Member) {
		b.(onLines).lines.Cut() //nolint:forcetypeassert // see above
	}), brokertest.Away(func(b broker.Broker) (back func()) {
		return b.(onLines).lines.Cut() //nolint:forcetypeassert // see above
	}))...)
}

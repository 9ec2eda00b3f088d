package kafka_test

import (
	"log/slog"
	"testing"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
	"github.com/leat-go/leat/router/broker/kafka"
)

// cannot is what this backend does not meet, with the reasons that the reference gives.
var cannot = []brokertest.Option{
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
	*kafka.Broker
	lines *brokertest.Lines
}

func conform(t *testing.T, server testservers.Kafka) {
	t.Helper()
	brokertest.Run(t, func(t testing.TB) broker.Broker {
		t.Helper()
		lines := brokertest.NewLines(t)
		b, err := kafka.New(config(server.Brokers), kafka.Dialer(lines.Dial), kafka.Logger(slog.New(slog.NewTextHandler(t.Output(), nil))))
		if err != nil {
			t.Fatal(err)
		}
		return onLines{b, lines}
	}, append(cannot, brokertest.Crash(func(_ broker.Broker, ms []broker.Member) {
		for _, m := range ms {
			kafka.Crash(m)
		}
	}), brokertest.Away(func(b broker.Broker) (back func()) {
		return b.(onLines).lines.Cut() //nolint:forcetypeassert // see above
	}))...)
}

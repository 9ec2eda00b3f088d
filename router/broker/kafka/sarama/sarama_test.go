package sarama_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka/sarama"
	"github.com/leat-go/leat/router/broker/stock/stocktest"
	"github.com/leat-go/leat/settings"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(testservers.Tests{M: m},
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),       // one per process, for ever
		goleak.IgnoreAnyFunction("github.com/eapache/go-resiliency/breaker.(*Breaker).timer")) // ends 10 s after a partition was away
}

func cfgFor(servers ...string) settings.Kafka {
	return settings.Kafka{
		BootstrapServers: servers, EnableAutoCommit: true, AutoCommitInterval: 100 * time.Millisecond,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RetryBackoff: 50 * time.Millisecond,
	}
}

func open(t testing.TB, cfg settings.Kafka) *sarama.Broker {
	t.Helper()
	b, err := sarama.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opener(cfg settings.Kafka) func(testing.TB) broker.Broker {
	return func(t testing.TB) broker.Broker {
		t.Helper()
		return open(t, cfg)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	servers := testservers.EmbeddedKafka(t).Brokers
	stocktest.Run(t, opener(cfgFor(servers...)), stocktest.Repeats())
}

func TestServer(t *testing.T) {
	t.Parallel()
	server := testservers.KafkaFor(t)
	if !server.Real {
		t.Skip("the embedded one has its own test")
	}
	stocktest.Run(t, opener(cfgFor(server.Brokers...)), stocktest.Repeats())
}

func TestConnectNamesAddressAndSetting(t *testing.T) {
	t.Parallel()
	b := open(t, cfgFor("127.0.0.1:1"))
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := b.Connect(ctx)
	if !errors.Is(err, broker.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "KAFKA_BOOTSTRAP_SERVERS") {
		t.Errorf("connect: %v", err)
	}
}

func TestASendToNobodyEndsAtTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	cfg := cfgFor("127.0.0.1:1")
	cfg.DeliveryTimeout = 500 * time.Millisecond
	b := open(t, cfg)
	failed := make(chan error, 1)
	b.Sends().Produce(t.Context(), &broker.Record{Topic: "t"}, func(_ broker.Receipt, err error) { failed <- err })
	if err := <-failed; !errors.Is(err, broker.ErrOutcomeUnknown) {
		t.Errorf("send: %v", err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestJoinNeedsTheTopic(t *testing.T) {
	t.Parallel()
	b := open(t, cfgFor(testservers.EmbeddedKafka(t).Brokers...))
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	_, err := b.Join(t.Context(), broker.Group{Name: "g", Subscriptions: []broker.Subscription{{Topic: "missing", Handle: func(broker.Delivery) {}}}})
	if !errors.Is(err, broker.ErrNoTopic) {
		t.Errorf("join: %v", err)
	}
}

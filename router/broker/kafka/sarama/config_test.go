package sarama

import (
	"context"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

func configOf(t *testing.T, cfg settings.Kafka) *sarama.Config {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b.conf
}

func TestNothingIsAcknowledgedThatCouldBeLost(t *testing.T) {
	t.Parallel()
	c := configOf(t, settings.Kafka{})
	if c.Producer.RequiredAcks != sarama.WaitForAll || !c.Producer.Idempotent || c.Net.MaxOpenRequests != 1 {
		t.Errorf("acks %v, idempotent %v, %d open requests", c.Producer.RequiredAcks, c.Producer.Idempotent, c.Net.MaxOpenRequests)
	}
	if c.Consumer.IsolationLevel != sarama.ReadCommitted {
		t.Error("aborted records are delivered")
	}
}

func TestSettingsReachSarama(t *testing.T) {
	t.Parallel()
	c := configOf(t, settings.Kafka{
		ClientID: "me", CompressionType: "lz4", Linger: 5 * time.Millisecond, MaxBatchSize: 32768,
		MaxMessageBytes: 2 << 20, RequestTimeout: 7 * time.Second, EnableAutoCommit: true, AutoCommitInterval: time.Second,
		SessionTimeout: 9 * time.Second, HeartbeatInterval: 2 * time.Second, IsolationLevel: "read_uncommitted",
	})
	got := []any{
		c.ClientID, c.Producer.Compression, c.Producer.Flush.Frequency, c.Producer.Flush.Bytes, c.Producer.MaxMessageBytes,
		c.Net.ReadTimeout, c.Consumer.Offsets.AutoCommit.Enable, c.Consumer.Offsets.AutoCommit.Interval,
		c.Consumer.Group.Session.Timeout, c.Consumer.Group.Heartbeat.Interval, c.Consumer.IsolationLevel,
	}
	want := []any{
		"me", sarama.CompressionLZ4, 5 * time.Millisecond, 32768, 2<<20 + 64<<10,
		7 * time.Second, true, time.Second,
		9 * time.Second, 2 * time.Second, sarama.ReadUncommitted,
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestEachSubscriptionIsAMemberOfItsOwn(t *testing.T) {
	t.Parallel()
	base := configOf(t, settings.Kafka{})
	c := subscriberConfig(base, "host1", "orders", broker.StartLatest)
	if c.Consumer.Group.InstanceId != "host1-orders" || c.Consumer.Offsets.Initial != sarama.OffsetNewest {
		t.Errorf("instance %q, start %d", c.Consumer.Group.InstanceId, c.Consumer.Offsets.Initial)
	}
	if base.Consumer.Group.InstanceId != "" || base.Consumer.Offsets.Initial != sarama.OffsetOldest {
		t.Error("the common configuration was changed")
	}
}

func TestFaultsOfSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]settings.Kafka{
		"compression": {CompressionType: "rar"},
		"user":        {SecurityProtocol: "SASL_SSL", SASLMechanism: "PLAIN"},
		"file":        {SecurityProtocol: "SSL", SSLCAFile: "/no/such/file"},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if b, err := New(cfg, kafka.ClientID("c")); err == nil {
				t.Error("no fault")
				_ = b.Close(t.Context())
			}
		})
	}
}

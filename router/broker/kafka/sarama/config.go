package sarama

import (
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

const (
	// dialTimeout keeps a server that does not answer from holding up the next one.
	dialTimeout = 5 * time.Second
	// extraBytes is how much larger than others a dead letter may be. What is too large is
	// refused before it comes here.
	extraBytes = 64 << 10
)

var codecs = map[string]sarama.CompressionCodec{
	"": sarama.CompressionNone, "none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

// newConfig is what publishers and subscribers have in common.
func newConfig(s *kafka.Shared) (*sarama.Config, error) {
	cfg := &s.Settings
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0 // older servers are spoken to in their own versions
	c.ClientID = cfg.ClientID
	c.Net.DialTimeout = min(dialTimeout, cfg.RequestTimeout)
	c.Net.ReadTimeout, c.Net.WriteTimeout = cfg.RequestTimeout, cfg.RequestTimeout
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.Retry.Backoff = cfg.RetryBackoff
	configureProducer(c, cfg)
	configureConsumer(c, cfg)
	configureSecurity(c, s)
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return c, nil
}

// configureProducer writes for ever or not at all: acknowledged by all replicas, in order.
func configureProducer(c *sarama.Config, cfg *settings.Kafka) {
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Producer.Return.Successes, c.Producer.Return.Errors = true, true
	c.Producer.Retry.Backoff = cfg.RetryBackoff
	c.Producer.Timeout = cfg.RequestTimeout
	c.Producer.Compression = codecs[cfg.CompressionType]
	c.Producer.MaxMessageBytes = int(cfg.MaxMessageBytes) + extraBytes
	c.Producer.Partitioner = newPartitioner
	if cfg.Linger > 0 {
		c.Producer.Flush.Frequency, c.Producer.Flush.Bytes = cfg.Linger, int(cfg.MaxBatchSize)
	}
}

func configureConsumer(c *sarama.Config, cfg *settings.Kafka) {
	c.Consumer.Return.Errors = true
	c.Consumer.Retry.Backoff = max(cfg.RetryBackoff, 100*time.Millisecond)
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = cfg.EnableAutoCommit
	c.Consumer.Offsets.AutoCommit.Interval = cfg.AutoCommitInterval
	c.Consumer.Group.Session.Timeout = cfg.SessionTimeout
	c.Consumer.Group.Heartbeat.Interval = cfg.HeartbeatInterval
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	c.Consumer.Group.Rebalance.Retry.Backoff = max(cfg.RetryBackoff, 100*time.Millisecond)
	c.Consumer.Group.Rebalance.Retry.Max = 20
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	if cfg.IsolationLevel == "read_uncommitted" {
		c.Consumer.IsolationLevel = sarama.ReadUncommitted
	}
}

// subscriberConfig is the configuration of one subscription.
func subscriberConfig(base *sarama.Config, instance, topic string, start broker.Start) *sarama.Config {
	c := *base
	if start == broker.StartLatest {
		c.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	if instance != "" {
		c.Consumer.Group.InstanceId = instance + "-" + topic // each subscription is a member
	}
	return &c
}

func usesSASL(cfg *settings.Kafka) bool { return strings.HasPrefix(cfg.SecurityProtocol, "SASL_") }

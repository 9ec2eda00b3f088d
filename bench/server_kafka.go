package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
)

// kafkaServer is a Kafka of one node, started for this run.
type kafkaServer struct {
	s     *testservers.KafkaServer
	admin *kadm.Client
}

func startKafka(ctx context.Context) (server, error) {
	s, err := testservers.StartKafka(ctx, testservers.KafkaOptions{Heap: "768m"})
	if err != nil {
		return nil, err
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers()...))
	if err != nil {
		return nil, err
	}
	return &kafkaServer{s, kadm.NewClient(c)}, nil
}

func (k *kafkaServer) name() string    { return "kafka" }
func (k *kafkaServer) version() string { return "Apache Kafka " + k.s.Version() }

func (k *kafkaServer) create(ctx context.Context, topic string, parts int) error {
	_, err := k.admin.CreateTopic(ctx, int32(parts), 1, nil, topic) //nolint:gosec // a handful of partitions
	return err
}

func (k *kafkaServer) size(ctx context.Context, topic string, _ int) (n int, err error) {
	offsets, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	offsets.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n, offsets.Error()
}

func (k *kafkaServer) clean(ctx context.Context, group string, topics ...string) {
	if group != "" {
		_, _ = k.admin.DeleteGroups(ctx, group) // what is left costs little
	}
	if len(topics) > 0 {
		_, _ = k.admin.DeleteTopics(ctx, topics...)
	}
}

func (k *kafkaServer) drivers() map[string]driver {
	return map[string]driver{
		"bare": bareKafka{k.s.Brokers()}, "leat": leatOnKafka(k.s.Brokers()), "stock": stockOnKafka(k.s.Brokers()),
	}
}

func (k *kafkaServer) close() error {
	k.admin.Close()
	return k.s.Close()
}

package sarama

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/IBM/sarama"
	wkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/stock"
)

// Join subscribes to the topics of a group, with a stock subscriber each.
func (b *Broker) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if b.closed.Load() {
		return nil, fmt.Errorf("join group %s: %w", g.Name, broker.ErrClosed)
	}
	var sources []stock.Source
	for i := range g.Subscriptions {
		s, err := b.source(ctx, &g, &g.Subscriptions[i])
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return join(ctx, sources)
}

func join(ctx context.Context, sources []stock.Source) (broker.Member, error) {
	m, err := stock.Join(ctx, sources...)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (b *Broker) source(ctx context.Context, g *broker.Group, s *broker.Subscription) (stock.Source, error) {
	start, first, err := b.start(ctx, g, s)
	if err != nil {
		return stock.Source{}, err
	}
	var envelopes stock.Envelopes
	seen := &sessions{begin: func(session sarama.ConsumerGroupSession) error { //nolint:contextcheck // a session has its own
		if len(first) == 0 {
			return nil
		}
		return b.begin(session, g.Name, first)
	}}
	cfg := wkafka.SubscriberConfig{
		Brokers:               b.shared.Settings.BootstrapServers,
		Unmarshaler:           unmarshaler{&envelopes},
		OverwriteSaramaConfig: subscriberConfig(b.conf, b.shared.Settings.GroupInstanceID, s.Topic, start),
		ConsumerGroup:         g.Name,
		Tracer:                seen,
	}
	if g.Broadcast {
		cfg.ConsumerGroup, seen = "", nil
	}
	sub, err := wkafka.NewSubscriber(cfg, b.logger)
	if err != nil {
		return stock.Source{}, err
	}
	return stock.Source{Subscription: *s, Subscriber: sub, Record: envelopes.Open, Ready: seen.ready()}, nil
}

// sessions knows whether a subscriber takes part in its group, and has a say in where that
// begins: the adapter shows its sessions to a tracer alone.
type sessions struct {
	joined atomic.Bool
	begin  func(sarama.ConsumerGroupSession) error
}

// ready is nil for a subscriber without a group, which is always ready.
func (s *sessions) ready() func() bool {
	if s == nil {
		return nil
	}
	return s.joined.Load
}

// WrapConsumer changes nothing.
func (s *sessions) WrapConsumer(c sarama.Consumer) sarama.Consumer { return c }

// WrapPartitionConsumer changes nothing.
func (s *sessions) WrapPartitionConsumer(p sarama.PartitionConsumer) sarama.PartitionConsumer {
	return p
}

// WrapSyncProducer changes nothing.
func (s *sessions) WrapSyncProducer(_ *sarama.Config, p sarama.SyncProducer) sarama.SyncProducer {
	return p
}

// WrapConsumerGroupHandler watches the sessions of a handler.
func (s *sessions) WrapConsumerGroupHandler(h sarama.ConsumerGroupHandler) sarama.ConsumerGroupHandler {
	return watched{h, s}
}

type watched struct {
	sarama.ConsumerGroupHandler
	s *sessions
}

func (w watched) Setup(session sarama.ConsumerGroupSession) error {
	if err := w.s.begin(session); err != nil {
		return err
	}
	w.s.joined.Store(true)
	return w.ConsumerGroupHandler.Setup(session)
}

func (w watched) Cleanup(session sarama.ConsumerGroupSession) error {
	err := w.ConsumerGroupHandler.Cleanup(session)
	w.s.joined.Store(false)
	return err
}

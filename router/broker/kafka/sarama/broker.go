package sarama

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/stock"
	"github.com/leat-go/leat/settings"
)

// sendRoom is how many of a service's own messages wait before a send blocks.
const sendRoom = 10_000

var _ broker.Broker = (*Broker)(nil)

// Broker is Kafka over watermill-kafka. Make it with [New]; its methods may be called
// concurrently.
type Broker struct {
	*kafka.Broker // connection, topics, reading without a group

	shared  kafka.Shared
	conf    *sarama.Config
	logger  watermill.LoggerAdapter
	sends   *stock.Producer
	outputs *stock.Producer
	closing sync.Once
	closed  atomic.Bool
}

// New checks cfg and prepares a broker. It dials nothing. The caller must Close it.
func New(cfg settings.Kafka, opts ...kafka.Option) (*Broker, error) {
	base, err := kafka.New(cfg, opts...)
	if err != nil {
		return nil, err
	}
	b := &Broker{Broker: base}
	if err := b.prepare(); err != nil {
		return nil, errors.Join(err, base.Close(context.Background()))
	}
	return b, nil
}

func (b *Broker) prepare() (err error) {
	if b.shared, err = b.Shared(); err != nil {
		return err
	}
	if b.conf, err = newConfig(&b.shared); err != nil {
		return err
	}
	b.logger = watermill.NewSlogLoggerWithLevelMapping(b.shared.Logger, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	b.sends = stock.NewProducer(stock.ProducerConfig{
		Open: b.open, Check: b.Broker.Sends().Check, Explain: explain,
		Timeout: b.shared.Settings.DeliveryTimeout, Room: sendRoom,
	})
	b.outputs = stock.NewProducer(stock.ProducerConfig{Open: b.open, Check: b.Broker.Outputs().Check, Explain: explain})
	return nil
}

// open dials.
func (b *Broker) open() (message.Publisher, error) {
	return wkafka.NewPublisher(wkafka.PublisherConfig{
		Brokers: b.shared.Settings.BootstrapServers, Marshaler: marshaler{}, OverwriteSaramaConfig: b.conf,
	}, b.logger)
}

// Sends is the producer of a service's own messages.
func (b *Broker) Sends() broker.Producer { return b.sends }

// Outputs is the producer of what handlers return and of dead letters.
func (b *Broker) Outputs() broker.Producer { return b.outputs }

// Close flushes the producers until ctx ends and releases all connections.
func (b *Broker) Close(ctx context.Context) (err error) {
	b.closed.Store(true)
	b.closing.Do(func() {
		err = errors.Join(b.sends.Close(ctx), b.outputs.Close(ctx), b.Broker.Close(ctx))
	})
	if err != nil {
		return fmt.Errorf("close kafka: %w", err)
	}
	return nil
}

package redisstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wredis "github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/router/broker/stock"
	"github.com/leat-go/leat/settings"
)

const (
	// sendRoom is how many of a service's own messages wait before a send blocks.
	sendRoom    = 10_000
	sendTimeout = 30 * time.Second
)

var _ broker.Broker = (*Broker)(nil)

// Broker is Redis Streams over watermill-redisstream. Make it with [New]; its methods may be
// called concurrently.
type Broker struct {
	*redis.Broker // connection, topics, reading without a group

	shared  redis.Shared
	client  goredis.UniversalClient
	logger  watermill.LoggerAdapter
	sends   *stock.Producer
	outputs *stock.Producer
	closing sync.Once
	closed  atomic.Bool
}

// New checks cfg and prepares a broker. It dials nothing. The caller must Close it.
func New(cfg settings.Redis, opts ...redis.Option) (*Broker, error) {
	base, err := redis.New(cfg, opts...)
	if err != nil {
		return nil, err
	}
	b := &Broker{Broker: base, shared: base.Shared()}
	b.client = goredis.NewUniversalClient(b.shared.Options)
	b.logger = watermill.NewSlogLoggerWithLevelMapping(b.shared.Logger, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	b.sends = stock.NewProducer(stock.ProducerConfig{
		Open: b.open, Check: base.Sends().Check, Explain: explain, Timeout: sendTimeout, Room: sendRoom,
	})
	b.outputs = stock.NewProducer(stock.ProducerConfig{Open: b.open, Check: base.Outputs().Check, Explain: explain})
	return b, nil
}

func (b *Broker) open() (message.Publisher, error) {
	return wredis.NewPublisher(wredis.PublisherConfig{
		Client: writing{b.client}, Marshaller: marshaler{}, DefaultMaxlen: b.shared.Settings.StreamMaxLen,
	}, b.logger)
}

// explain tells whether the server refuses the entry itself.
func explain(topic string, err error) (explained error, final bool) {
	if goredis.HasErrorPrefix(err, "WRONGTYPE") || goredis.HasErrorPrefix(err, "NOPERM") {
		return fmt.Errorf("publish to %s: %w", topic, err), true
	}
	return fmt.Errorf("publish to %s: %w", topic, err), false
}

// Sends is the producer of a service's own messages.
func (b *Broker) Sends() broker.Producer { return b.sends }

// Outputs is the producer of what handlers return and of dead letters.
func (b *Broker) Outputs() broker.Producer { return b.outputs }

// CreateTopics creates what does not exist, with one partition each.
func (b *Broker) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	single := make([]broker.TopicConfig, len(ts))
	for i, t := range ts {
		t.Partitions = 1
		single[i] = t
	}
	return b.Broker.CreateTopics(ctx, single...)
}

// Close flushes the producers until ctx ends and releases all connections.
func (b *Broker) Close(ctx context.Context) (err error) {
	b.closed.Store(true)
	b.closing.Do(func() {
		err = errors.Join(b.sends.Close(ctx), b.outputs.Close(ctx), b.client.Close(), b.Broker.Close(ctx))
	})
	if err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

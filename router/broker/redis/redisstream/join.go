package redisstream

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wredis "github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/stock"
)

// maxClaimInterval is how often entries of dead members are looked for at the least.
const maxClaimInterval = 5 * time.Second

// Join subscribes to the topics of a group, with a stock subscriber each.
func (b *Broker) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if b.closed.Load() {
		return nil, fmt.Errorf("join group %s: %w", g.Name, broker.ErrClosed)
	}
	sources := make([]stock.Source, len(g.Subscriptions))
	for i := range g.Subscriptions {
		var err error
		if sources[i], err = b.source(ctx, &g, &g.Subscriptions[i]); err != nil {
			return nil, err
		}
	}
	m, err := stock.Join(ctx, sources...)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (b *Broker) source(ctx context.Context, g *broker.Group, s *broker.Subscription) (stock.Source, error) {
	from, err := b.from(ctx, g, s)
	if err != nil {
		return stock.Source{}, err
	}
	var envelopes stock.Envelopes
	c := &reading{UniversalClient: b.client, stream: s.Topic, group: g.Name, consumer: watermill.NewUUID(), idle: b.shared.Settings.ClaimIdle}
	cfg := wredis.SubscriberConfig{
		Client:        c,
		Unmarshaller:  unmarshaler{&envelopes, s.Topic},
		Consumer:      c.consumer,
		ConsumerGroup: g.Name,
		OldestId:      from, FanOutOldestId: from,
		MaxIdleTime:   b.shared.Settings.ClaimIdle,
		ClaimInterval: min(maxClaimInterval, b.shared.Settings.ClaimIdle),
		// What this member has in flight is in good hands.
		ShouldClaimPendingMessage:     func(p goredis.XPendingExt) bool { return p.Consumer != c.consumer },
		DisableIndefiniteInitialBlock: true, // else a reader may outlive the member
	}
	if g.Broadcast {
		cfg.ConsumerGroup = ""
	}
	sub, err := wredis.NewSubscriber(cfg, b.logger)
	if err != nil {
		return stock.Source{}, err
	}
	source := stock.Source{Subscription: *s, Subscriber: sub, Record: envelopes.Open, Closed: c.end}
	if !g.Broadcast {
		source.Closed = c.keep(context.WithoutCancel(ctx), b.shared.Logger)
	}
	return source, nil
}

// from is the id behind which a member begins that finds no position of its group.
func (b *Broker) from(ctx context.Context, g *broker.Group, s *broker.Subscription) (string, error) {
	if err := b.checkSingle(ctx, s.Topic); err != nil {
		return "", err
	}
	switch b.shared.Start(s.Start) {
	case broker.StartLatest:
		return b.last(ctx, s.Topic)
	case broker.StartNone:
		if err := b.mustExist(ctx, g, s.Topic); err != nil {
			return "", err
		}
	default:
	}
	return "0", nil
}

// checkSingle refuses topics of which the stock adapter would read a part only.
func (b *Broker) checkSingle(ctx context.Context, topic string) error {
	n, err := b.shared.Partitions(ctx, topic)
	if err != nil {
		return fmt.Errorf("look for topic %s: %w", topic, err)
	}
	if n > 1 {
		return fmt.Errorf("topic %s has %d partitions and redis.backend=watermill reads one (set REDIS_BACKEND=leat)", topic, n)
	}
	return nil
}

// last is the id of the last entry. A member that reads without a group could miss entries
// if it asked for what is new again and again.
func (b *Broker) last(ctx context.Context, topic string) (string, error) {
	entries, err := b.client.XRevRangeN(ctx, topic, "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("read the end of %s: %w", topic, err)
	}
	if len(entries) == 0 {
		return "0", nil
	}
	return entries[0].ID, nil
}

func (b *Broker) mustExist(ctx context.Context, g *broker.Group, topic string) error {
	groups, err := b.client.XInfoGroups(ctx, topic).Result()
	if err != nil && !strings.Contains(err.Error(), "no such key") {
		return fmt.Errorf("look for group %s of %s: %w", g.Name, topic, err)
	}
	for _, found := range groups {
		if found.Name == g.Name && !g.Broadcast {
			return nil
		}
	}
	return fmt.Errorf("group %s, topic %s: %w (set redis.auto_offset_reset)", g.Name, topic, broker.ErrNoStart)
}

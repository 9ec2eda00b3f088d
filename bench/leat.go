package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-json-experiment/json"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// leat is the framework through its public API, with its default settings.
type leat struct{ open func() (broker.Broker, error) }

var quiet = slog.New(slog.DiscardHandler)

func leatOnKafka(brokers []string) leat {
	cfg := settings.Default().Kafka
	cfg.BootstrapServers = brokers
	return leat{func() (broker.Broker, error) { return kafka.New(cfg, kafka.Logger(quiet)) }}
}

func leatOnRedis(url string) leat {
	cfg := settings.Default().Redis
	cfg.URL = settings.URL(url)
	return leat{func() (broker.Broker, error) { return redis.New(cfg, redis.Logger(quiet)) }}
}

func (leat) can(mode) bool { return true }

func eventsOn(name string, parts int) topics.Event[event] {
	return topics.Event[event]{Name: name, Key: eventKey, Partitions: parts}
}

func (l leat) publisher(_ context.Context, topic string) (publisher, error) {
	return l.publisherOf(topic, partitions)
}

func (l leat) publisherOf(topic string, parts int) (publisher, error) {
	b, err := l.open()
	if err != nil {
		return nil, err
	}
	r := router.New(b, router.Logger(quiet))
	return leatPublisher{b, router.NewPublisher(r, eventsOn(topic, parts))}, nil
}

type leatPublisher struct {
	b broker.Broker
	p router.Publisher[event]
}

func (p leatPublisher) one(ctx context.Context, e event) error      { return p.p.Publish(ctx, e) }
func (p leatPublisher) batch(ctx context.Context, es []event) error { return p.p.Publish(ctx, es...) }
func (p leatPublisher) close() error                                { return closeBroker(p.b) }

func (p leatPublisher) async(ctx context.Context, e event, done func(error)) {
	p.p.PublishAsync(ctx, e, func(_ router.Receipt, err error) { done(err) })
}

func closeBroker(b broker.Broker) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return b.Close(ctx)
}

func (l leat) read(ctx context.Context, j job) error {
	b, err := l.open()
	if err != nil {
		return err
	}
	r := router.New(b, router.Service(j.group), router.Logger(quiet))
	declare(r, j)
	return errors.Join(r.Run(ctx), closeBroker(b)) //nolint:contextcheck // closing has a time of its own
}

func declare(r *router.Router, j job) {
	opts := []router.Option{router.Name("subject")}
	if j.concurrency > 0 {
		opts = append(opts, router.Concurrency(j.concurrency))
	}
	in := eventsOn(j.topic, j.partitions)
	out := topics.Event[result]{Name: j.out, Key: resultKey, Partitions: j.partitions}
	switch j.mode {
	case typed:
		router.Consume(r, in, j.typed, opts...)
	case raw:
		router.Consume(r, topics.Event[[]byte]{Name: j.topic, Partitions: j.partitions, Format: topics.Raw}, j.raw, opts...)
	case plain:
		r.Handle(j.topic, j.plain, opts...)
	case work:
		router.Work(r, in, out, j.work, opts...)
	case batch:
		router.WorkBatch(r, in, out, j.batch, append(opts, router.BatchSize(batchSize), router.BatchWait(10*time.Millisecond))...)
	}
}

func (j job) typed(_ context.Context, e event) error {
	j.handle(e.ID, e.At)
	return nil
}

func (j job) raw(context.Context, []byte) error {
	j.handle(-1, 0)
	return nil
}

func (j job) plain(m *message.Message) error {
	var e event
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return err
	}
	j.handle(e.ID, e.At)
	return nil
}

func (j job) work(_ context.Context, e event) (result, error) {
	j.handle(e.ID, e.At)
	return charge(e), nil
}

func (j job) batch(_ context.Context, es []event) ([]result, error) {
	rs := make([]result, len(es))
	for i, e := range es {
		j.handle(e.ID, e.At)
		rs[i] = charge(e)
	}
	return rs, nil
}

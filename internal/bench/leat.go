package bench

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Leat is the framework through its public API.
type Leat struct {
	// Open makes a broker; every publisher and consumer has one of its own.
	Open func(ctx context.Context) (broker.Broker, error)
	// Options are those of every router, such as the Avro codec.
	Options []router.RouterOption
}

var quiet = slog.New(slog.DiscardHandler)

func (l Leat) router(b broker.Broker, more ...router.RouterOption) *router.Router {
	return router.New(b, append(append(more, router.Logger(quiet)), l.Options...)...)
}

func eventsOn(t Topic) topics.Event[Event] {
	return topics.Event[Event]{Name: t.Name, Key: eventKey, Partitions: t.Partitions, Format: t.Format}
}

// Publisher publishes through a router.Publisher.
func (l Leat) Publisher(ctx context.Context, t Topic) (Publisher, error) {
	b, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	return leatPublisher{b, router.NewPublisher(l.router(b), eventsOn(t))}, nil
}

type leatPublisher struct {
	b broker.Broker
	p router.Publisher[Event]
}

func (p leatPublisher) One(ctx context.Context, e Event) error      { return p.p.Publish(ctx, e) }
func (p leatPublisher) Batch(ctx context.Context, es []Event) error { return p.p.Publish(ctx, es...) }
func (p leatPublisher) Close() error                                { return closeBroker(p.b) }

func (p leatPublisher) Async(ctx context.Context, e Event, done func(error)) {
	p.p.PublishAsync(ctx, e, func(_ router.Receipt, err error) { done(err) })
}

func closeBroker(b broker.Broker) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return b.Close(ctx)
}

// Read runs a router with a handler for each topic of the job.
func (l Leat) Read(ctx context.Context, j Job) error {
	b, err := l.Open(ctx)
	if err != nil {
		return err
	}
	r := l.router(b, router.Service(j.Group))
	for i, name := range j.Topics {
		j.declare(r, name, router.Name("subject-"+strconv.Itoa(i))) //nolint:contextcheck // a handler has its own
	}
	return errors.Join(r.Run(ctx), closeBroker(b)) //nolint:contextcheck // closing has a time of its own
}

func (j Job) declare(r *router.Router, topic string, opts ...router.Option) {
	if j.Concurrency > 0 {
		opts = append(opts, router.Concurrency(j.Concurrency))
	}
	in := eventsOn(Topic{topic, j.Partitions, j.Format})
	out := topics.Event[Result]{Name: j.Out, Key: resultKey, Partitions: j.Partitions, Format: j.Format}
	switch j.Mode {
	case Typed:
		router.Consume(r, in, j.DoTyped, opts...)
	case Raw:
		router.Consume(r, topics.Event[[]byte]{Name: topic, Partitions: j.Partitions, Format: topics.Raw}, j.DoRaw, opts...)
	case Plain:
		r.Handle(topic, j.DoPlain, opts...)
	case PlainWork:
		r.Handle(topic, j.publishing(router.NewPublisher(r, out)), opts...)
	case Work:
		router.Work(r, in, out, j.DoWork, opts...)
	case Batch:
		router.WorkBatch(r, in, out, j.DoBatch, append(opts, router.BatchSize(batchSize), router.BatchWait(10*time.Millisecond))...)
	}
}

// publishing is a Watermill handler that publishes through the message's context: the message
// is done when its result is acknowledged, without a worker waiting for that.
func (j Job) publishing(p router.Publisher[Result]) message.NoPublishHandlerFunc {
	return func(m *message.Message) error {
		out, err := j.DoPlainWork(m)
		if err != nil {
			return err
		}
		p.PublishAsync(m.Context(), out, nil)
		return nil
	}
}

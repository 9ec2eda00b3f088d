package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/bench"
)

// stock is Watermill with its own adapter and router.
type stock struct {
	client func() (adapter, error)
	// places are the names at which the adapter sees a topic.
	places func(parts int, topics ...string) []string
	// place is where a key of the topic goes.
	place func(topic, key string, parts int) string
}

// adapter makes the two halves of a Watermill adapter.
type adapter struct {
	publisher  func() (message.Publisher, error)
	subscriber func(group string) (message.Subscriber, error)
}

func stockOnKafka(brokers []string) stock {
	return stock{
		client: func() (adapter, error) {
			return adapter{
				publisher:  func() (message.Publisher, error) { return saramaPublisher(brokers) },
				subscriber: func(group string) (message.Subscriber, error) { return saramaSubscriber(brokers, group) },
			}, nil
		},
		places: func(_ int, topics ...string) []string { return topics },
		place:  func(topic, _ string, _ int) string { return topic },
	}
}

const keyMetadata = "key"

func saramaPublisher(brokers []string) (message.Publisher, error) {
	c := wkafka.DefaultSaramaSyncPublisherConfig()
	c.Version = sarama.V3_6_0_0
	c.Producer.RequiredAcks, c.Producer.Idempotent, c.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	c.Producer.Compression = sarama.CompressionNone
	return wkafka.NewPublisher(wkafka.PublisherConfig{
		Brokers: brokers, OverwriteSaramaConfig: c,
		Marshaler: wkafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) {
			return m.Metadata.Get(keyMetadata), nil
		}),
	}, watermill.NopLogger{})
}

func saramaSubscriber(brokers []string, group string) (message.Subscriber, error) {
	c := wkafka.DefaultSaramaSubscriberConfig()
	c.Version = sarama.V3_6_0_0
	c.Consumer.Offsets.Initial, c.Consumer.IsolationLevel = sarama.OffsetOldest, sarama.ReadCommitted
	return wkafka.NewSubscriber(wkafka.SubscriberConfig{
		Brokers: brokers, ConsumerGroup: group, Unmarshaler: wkafka.DefaultMarshaler{}, OverwriteSaramaConfig: c,
	}, watermill.NopLogger{})
}

func stockOnRedis(url string) stock {
	return stock{
		client: func() (adapter, error) { return redisAdapter(url) },
		places: bench.Streams,
		place:  bench.StreamOf,
	}
}

func redisAdapter(url string) (adapter, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return adapter{}, err
	}
	o.PoolSize = poolSize
	return adapter{ // each half closes its client
		publisher: func() (message.Publisher, error) {
			return redisstream.NewPublisher(redisstream.PublisherConfig{Client: redis.NewClient(o)}, watermill.NopLogger{})
		},
		subscriber: func(group string) (message.Subscriber, error) {
			return redisstream.NewSubscriber(redisstream.SubscriberConfig{
				Client: redis.NewClient(o), ConsumerGroup: group, Consumer: "stock", OldestId: "0", DisableIndefiniteInitialBlock: true,
			}, watermill.NopLogger{})
		},
	}, nil
}

func (d stock) Publisher(_ context.Context, t bench.Topic) (bench.Publisher, error) {
	a, err := d.client()
	if err != nil {
		return nil, err
	}
	p, err := a.publisher()
	return stockPublisher{d, p, t}, err
}

type stockPublisher struct {
	d stock
	p message.Publisher
	t bench.Topic
}

func stockMessage(key string, v any) (*message.Message, error) {
	data, err := json.Marshal(v)
	m := message.NewMessage(watermill.NewUUID(), data)
	m.Metadata.Set(keyMetadata, key)
	return m, err
}

func (p stockPublisher) One(_ context.Context, e bench.Event) error {
	m, err := stockMessage(e.Key, e)
	if err != nil {
		return err
	}
	return p.p.Publish(p.d.place(p.t.Name, e.Key, p.t.Partitions), m)
}

func (p stockPublisher) Batch(_ context.Context, es []bench.Event) error {
	places := map[string][]*message.Message{}
	for _, e := range es {
		m, err := stockMessage(e.Key, e)
		if err != nil {
			return err
		}
		place := p.d.place(p.t.Name, e.Key, p.t.Partitions)
		places[place] = append(places[place], m)
	}
	for place, ms := range places {
		if err := p.p.Publish(place, ms...); err != nil {
			return err
		}
	}
	return nil
}

func (p stockPublisher) Async(ctx context.Context, e bench.Event, done func(error)) {
	go func() { done(p.One(ctx, e)) }()
}

func (p stockPublisher) Close() error { return p.p.Close() }

func (d stock) Read(ctx context.Context, j bench.Job) error {
	a, err := d.client()
	if err != nil {
		return err
	}
	sub, err := a.subscriber(j.Group)
	if err != nil {
		return err
	}
	pub, err := a.publisher()
	if err != nil {
		return err
	}
	r, err := message.NewRouter(message.RouterConfig{CloseTimeout: 2 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	for i, place := range d.places(j.Partitions, j.Topics...) {
		d.handler(r, i, place, j, sub, pub)
	}
	return errors.Join(ended(r.Run(ctx)), ended(sub.Close()), ended(pub.Close()))
}

// ended drops the error of closing twice: the router has closed both halves.
func ended(err error) error {
	if errors.Is(err, redis.ErrClosed) {
		return nil
	}
	return err
}

func (d stock) handler(r *message.Router, i int, place string, j bench.Job, sub message.Subscriber, pub message.Publisher) {
	name := strconv.Itoa(i)
	if j.Out == "" {
		r.AddConsumerHandler(name, place, sub, stockHandler(j))
		return
	}
	// A handler of Watermill publishes on one topic, which on Redis is one stream: the result
	// of a key goes there where the key came from.
	r.AddHandler(name, place, sub, d.places(j.Partitions, j.Out)[i], pub, stockWork(j))
}

func stockHandler(j bench.Job) message.NoPublishHandlerFunc {
	if j.Mode == bench.Raw {
		return func(m *message.Message) error { return j.DoRaw(m.Context(), m.Payload) }
	}
	return j.DoPlain
}

func stockWork(j bench.Job) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		out, err := j.DoPlainWork(m)
		if err != nil {
			return nil, err
		}
		om, err := stockMessage(out.Key, out)
		return []*message.Message{om}, err
	}
}

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
)

// stock is Watermill with its own adapter and router.
type stock struct {
	client func() (adapter, error)
	// places are the names at which the adapter sees a topic.
	places func(topic string, parts int) []string
	// place is where a key of the topic goes.
	place func(topic, key string, parts int) string
}

// adapter makes the two halves of a Watermill adapter.
type adapter struct {
	publisher  func() (message.Publisher, error)
	subscriber func(group string) (message.Subscriber, error)
}

func (stock) can(m mode) bool { return m != batch }

func stockOnKafka(brokers []string) stock {
	return stock{
		client: func() (adapter, error) {
			return adapter{
				publisher:  func() (message.Publisher, error) { return saramaPublisher(brokers) },
				subscriber: func(group string) (message.Subscriber, error) { return saramaSubscriber(brokers, group) },
			}, nil
		},
		places: func(topic string, _ int) []string { return []string{topic} },
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
		places: streams,
		place:  streamOf,
	}
}

func redisAdapter(url string) (adapter, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return adapter{}, err
	}
	o.PoolSize = 64
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

func (d stock) publisher(_ context.Context, topic string) (publisher, error) {
	a, err := d.client()
	if err != nil {
		return nil, err
	}
	p, err := a.publisher()
	return stockPublisher{d, p, topic}, err
}

type stockPublisher struct {
	d     stock
	p     message.Publisher
	topic string
}

func stockMessage(key string, v any) (*message.Message, error) {
	data, err := json.Marshal(v)
	m := message.NewMessage(watermill.NewUUID(), data)
	m.Metadata.Set(keyMetadata, key)
	return m, err
}

func (p stockPublisher) one(_ context.Context, e event) error {
	m, err := stockMessage(e.Key, e)
	if err != nil {
		return err
	}
	return p.p.Publish(p.d.place(p.topic, e.Key, partitions), m)
}

func (p stockPublisher) batch(_ context.Context, es []event) error {
	places := map[string][]*message.Message{}
	for _, e := range es {
		m, err := stockMessage(e.Key, e)
		if err != nil {
			return err
		}
		place := p.d.place(p.topic, e.Key, partitions)
		places[place] = append(places[place], m)
	}
	for place, ms := range places {
		if err := p.p.Publish(place, ms...); err != nil {
			return err
		}
	}
	return nil
}

func (p stockPublisher) async(ctx context.Context, e event, done func(error)) {
	go func() { done(p.one(ctx, e)) }()
}

func (p stockPublisher) close() error { return p.p.Close() }

func (d stock) read(ctx context.Context, j job) error {
	a, err := d.client()
	if err != nil {
		return err
	}
	sub, err := a.subscriber(j.group)
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
	for i, place := range d.places(j.topic, j.partitions) {
		d.handler(r, strconv.Itoa(i), place, j, sub, pub)
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

func (d stock) handler(r *message.Router, name, place string, j job, sub message.Subscriber, pub message.Publisher) {
	if j.mode != work {
		r.AddConsumerHandler(name, place, sub, j.stockHandler())
		return
	}
	// A handler of Watermill publishes on one topic, which on Redis is one stream: the result
	// of a key goes there where the key came from.
	i, _ := strconv.Atoi(name)
	out := d.places(j.out, j.partitions)[i]
	r.AddHandler(name, place, sub, out, pub, j.stockWork)
}

func (j job) stockHandler() message.NoPublishHandlerFunc {
	if j.mode == raw {
		return func(*message.Message) error {
			j.handle(-1, 0)
			return nil
		}
	}
	return j.plain
}

func (j job) stockWork(m *message.Message) ([]*message.Message, error) {
	var e event
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return nil, err
	}
	out, err := j.work(m.Context(), e)
	if err != nil {
		return nil, err
	}
	om, err := stockMessage(out.Key, out)
	return []*message.Message{om}, err
}

package e2e_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/topics"
)

// The known faults of the stock subscriber for Kafka: each is seen on that one, and not here.

// faultyKafka is a topic that stock subscribers and leat's backend read, a group each.
type faultyKafka struct {
	*testing.T
	admin *kadm.Client
	cl    *kgo.Client
	topic string
}

func stockOnKafka(t *testing.T, partitions int32) *faultyKafka {
	t.Helper()
	t.Parallel()
	server := testservers.KafkaFor(t)
	if !server.Real {
		t.Skip("the embedded Kafka rebalances in its own time")
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(server.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	f := &faultyKafka{t, kadm.NewClient(cl), cl, testservers.Unique(t, "fault")}
	if _, err := f.admin.CreateTopic(t.Context(), partitions, 1, nil, f.topic); err != nil {
		t.Fatal(err)
	}
	return f
}

// add writes a record whose key is its value.
func (f *faultyKafka) add(partition int32, value string) {
	f.Helper()
	r := &kgo.Record{Topic: f.topic, Partition: partition, Key: []byte(value), Value: []byte(value)}
	if err := f.cl.ProduceSync(f.Context(), r).FirstErr(); err != nil {
		f.Fatal(err)
	}
}

// subscriber is a stock one and what became of its sessions.
type subscriber struct {
	*wkafka.Subscriber
	messages <-chan *message.Message
	sessions chan context.Context
}

// stock subscribes to a topic with the stock adapter.
func (f *faultyKafka) stock(topic string, u wkafka.Unmarshaler) *subscriber {
	f.Helper()
	cfg := wkafka.DefaultSaramaSubscriberConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	sessions := make(chan context.Context, 1000)
	s, err := wkafka.NewSubscriber(wkafka.SubscriberConfig{
		Brokers: testservers.KafkaFor(f.T).Brokers, ConsumerGroup: "stock-" + f.topic,
		Unmarshaler: u, OverwriteSaramaConfig: cfg, Tracer: observer{sessions},
	}, watermill.NopLogger{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	messages, err := s.Subscribe(f.Context(), topic)
	if err != nil {
		f.Fatal(err)
	}
	return &subscriber{s, messages, sessions}
}

// observer tells of the sessions of a subscriber.
type observer struct{ sessions chan context.Context }

func (observer) WrapConsumer(c sarama.Consumer) sarama.Consumer { return c }

func (observer) WrapPartitionConsumer(p sarama.PartitionConsumer) sarama.PartitionConsumer {
	return p
}

func (observer) WrapSyncProducer(_ *sarama.Config, p sarama.SyncProducer) sarama.SyncProducer {
	return p
}

func (o observer) WrapConsumerGroupHandler(h sarama.ConsumerGroupHandler) sarama.ConsumerGroupHandler {
	return observed{h, o.sessions}
}

type observed struct {
	sarama.ConsumerGroupHandler
	sessions chan context.Context
}

func (o observed) Setup(s sarama.ConsumerGroupSession) error {
	o.sessions <- s.Context()
	return o.ConsumerGroupHandler.Setup(s)
}

// ours joins with leat's backend.
func (f *faultyKafka) ours(subs ...broker.Subscription) broker.Member {
	f.Helper()
	b := must(kafka.New(kafkaSettings(f.T)))(f.T)
	m, err := b.Join(f.Context(), broker.Group{Name: "ours-" + f.topic, Subscriptions: subs})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { f.close(m) })
	return m
}

func (f *faultyKafka) close(m broker.Member) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		f.Error(err)
	}
}

// members counts those of leat's group.
func (f *faultyKafka) members() int {
	f.Helper()
	groups, err := f.admin.DescribeGroups(f.Context(), "ours-"+f.topic)
	if err != nil {
		f.Fatal(err)
	}
	return len(groups["ours-"+f.topic].Members)
}

func (f *faultyKafka) until(what string, ok func() bool) {
	f.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			f.Fatalf("waited in vain: %s", what)
		}
	}
}

func next[V any](f *faultyKafka, what string, c <-chan V) V {
	f.Helper()
	v, _ := expect(f, what, c)
	return v
}

// nothing wants nothing to come while a fault lasts.
func nothing[V any](f *faultyKafka, what string, c <-chan V, during time.Duration) {
	f.Helper()
	select {
	case <-c:
		f.Errorf("%s: this fault is gone", what)
	case <-time.After(during):
	}
}

func TestMoreThanOneMessageOfAPartitionIsInFlight(t *testing.T) {
	f := stockOnKafka(t, 1)
	f.add(0, "a")
	f.add(0, "b")
	s := f.stock(f.topic, wkafka.DefaultMarshaler{})
	first := next(f, "the first message by the stock subscriber", s.messages)
	nothing(f, "the stock subscriber has two messages of a partition in flight", s.messages, 2*time.Second)
	first.Ack()
	next(f, "the second message after the first", s.messages).Ack()

	running, release := make(chan string, 10), make(chan struct{})
	f.ours(broker.Subscription{Topic: f.topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		running <- string(d.Record().Value)
		<-release
		d.Done()
	}})
	next(f, "a message", running)
	next(f, "another while that one runs", running)
	close(release)
}

func TestAnAcknowledgementDuringARebalanceCounts(t *testing.T) {
	f := stockOnKafka(t, 2)
	f.add(0, "a")
	one := f.stock(f.topic, wkafka.DefaultMarshaler{})
	session := next(f, "a session of the stock subscriber", one.sessions)
	first := next(f, "the message by the stock subscriber", one.messages)
	two := f.stock(f.topic, wkafka.DefaultMarshaler{})
	next(f, "the rebalance", session.Done())
	first.Ack()
	select {
	case m := <-one.messages:
		m.Ack()
	case m := <-two.messages:
		m.Ack()
	case <-time.After(30 * time.Second):
		t.Error("the stock subscriber keeps an acknowledgement during a rebalance: this fault is gone")
	}

	f.add(1, "a") // one of both changes hands
	got, done := make(chan string, 100), make(chan struct{})
	sub := broker.Subscription{Topic: f.topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		got <- string(d.Record().Value)
		if string(d.Record().Value) == "a" {
			<-done
		}
		d.Done()
	}}
	f.ours(sub)
	for range 2 {
		next(f, "the messages", got)
	}
	other := f.ours(sub)
	f.until("the second member is in the group", func() bool { return f.members() == 2 })
	<-time.After(inARebalance)
	close(done)
	f.until("it is ready", other.Ready)
	f.add(0, "b")
	f.add(1, "b")
	for range 2 {
		if v := next(f, "what comes after", got); v != "b" {
			t.Errorf("%s comes again", v)
		}
	}
}

// inARebalance is when a member has been asked to give partitions away, and still waits for their handlers.
const inARebalance = 1500 * time.Millisecond

func TestASlowHandlerHoldsUpNoRebalance(t *testing.T) {
	f := stockOnKafka(t, 2)
	f.add(0, "a")
	f.add(1, "b")
	one := f.stock(f.topic, wkafka.DefaultMarshaler{})
	slow := []*message.Message{next(f, "a message", one.messages), next(f, "the other one", one.messages)}
	two := f.stock(f.topic, wkafka.DefaultMarshaler{})
	nothing(f, "a second stock subscriber gets a message while the first one's handlers run", two.messages, 8*time.Second)
	for _, m := range slow {
		m.Ack()
	}
	next(f, "a message of the second stock subscriber after the first one's handlers", two.messages).Ack()

	running, came, release := make(chan string, 10), make(chan string, 10), make(chan struct{})
	defer close(release)
	f.ours(broker.Subscription{Topic: f.topic, Concurrency: 2, Handle: func(d broker.Delivery) {
		running <- string(d.Record().Value)
		<-release
		d.Done()
	}})
	next(f, "a message", running)
	next(f, "the other one", running)
	f.ours(broker.Subscription{Topic: f.topic, Handle: func(d broker.Delivery) {
		came <- string(d.Record().Value)
		d.Done()
	}})
	next(f, "a message of the second member while the first one's handlers run", came)
}

// picky takes no record that says so.
type picky struct {
	wkafka.DefaultMarshaler
	refused *atomic.Int32
}

func (p picky) Unmarshal(m *sarama.ConsumerMessage) (*message.Message, error) {
	if string(m.Value) == "{bad" {
		p.refused.Add(1)
		return nil, errors.New("it cannot be decoded")
	}
	return p.DefaultMarshaler.Unmarshal(m)
}

func TestAnUndecodableRecordStopsNobody(t *testing.T) {
	f := stockOnKafka(t, 1)
	f.add(0, "{bad")
	f.add(0, `{"N": 1}`)
	var refused atomic.Int32
	s := f.stock(f.topic, picky{refused: &refused})
	f.until("the stock subscriber meets the bad record again and again", func() bool { return refused.Load() >= 3 })
	nothing(f, "the stock subscriber comes to the good record", s.messages, 0)

	type number struct{ N int }
	b := must(kafka.New(kafkaSettings(t)))(t)
	r := router.New(b, router.Service("ours-"+f.topic))
	got, bad := make(chan int, 10), make(chan string, 10)
	router.Consume(r, topics.Event[number]{Name: f.topic}, func(_ context.Context, n number) error {
		got <- n.N
		return nil
	}, router.Name("numbers"), router.From(router.Earliest))
	router.Consume(r, topics.Event[[]byte]{Name: f.topic + ".dlq", Format: topics.Raw}, func(_ context.Context, value []byte) error {
		bad <- string(value)
		return nil
	}, router.Name("letters"), router.From(router.Earliest))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	if n := next(f, "the good record", got); n != 1 {
		t.Errorf("got %d", n)
	}
	if v := next(f, "the dead letter", bad); v != "{bad" {
		t.Errorf("the dead letter is %q", v)
	}
	stop()
	if err := next(f, "the end", ended); err != nil {
		t.Error(err)
	}
}

func TestWorkInFlightIsNotRepeatedAfterACleanStop(t *testing.T) {
	f := stockOnKafka(t, 1)
	f.add(0, "a")
	s := f.stock(f.topic, wkafka.DefaultMarshaler{})
	m := next(f, "the message by the stock subscriber", s.messages)
	if err := s.Close(); err != nil { // while its handler runs
		t.Fatal(err)
	}
	m.Ack()
	again := next(f, "the message once more after a clean stop", f.stock(f.topic, wkafka.DefaultMarshaler{}).messages)
	if again.UUID != m.UUID || string(again.Payload) != "a" {
		t.Errorf("%s comes", again.Payload)
	}
	again.Ack()

	got, release := make(chan string, 10), make(chan struct{})
	sub := broker.Subscription{Topic: f.topic, Handle: func(d broker.Delivery) {
		got <- string(d.Record().Value)
		<-release
		d.Done()
	}}
	first := f.ours(sub)
	next(f, "the message", got)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		f.close(first)
	}()
	select {
	case <-closed:
		t.Error("the stop does not wait for the handler that runs")
	case <-time.After(time.Second):
	}
	close(release)
	next(f, "the end of the stop", closed)
	f.add(0, "b")
	f.ours(sub)
	if v := next(f, "what comes next", got); v != "b" {
		t.Errorf("%s comes again after a clean stop", v)
	}
}

func TestAnotherHandlerIsNoOtherMember(t *testing.T) {
	f := stockOnKafka(t, 1)
	other := f.topic + "-other"
	if _, err := f.admin.CreateTopic(t.Context(), 1, 1, nil, other); err != nil {
		t.Fatal(err)
	}
	session := next(f, "a session of the stock subscriber", f.stock(f.topic, wkafka.DefaultMarshaler{}).sessions)
	f.stock(other, wkafka.DefaultMarshaler{})
	next(f, "the rebalance that a handler of another topic causes", session.Done())

	r := router.New(must(kafka.New(kafkaSettings(t)))(t), router.Service("ours-"+f.topic))
	for _, topic := range []string{f.topic, other} {
		router.Consume(r, topics.Event[[]byte]{Name: topic, Format: topics.Raw}, func(context.Context, []byte) error { return nil }, router.Name(topic))
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	f.until("the service is ready", func() bool { return r.Ready() == nil })
	if n := f.members(); n != 1 {
		t.Errorf("%d members for two handlers, want 1", n)
	}
	stop()
	if err := next(f, "the end", ended); err != nil {
		t.Error(err)
	}
}

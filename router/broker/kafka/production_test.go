package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// The environment of a service in production runs against three nodes with TLS and a password.
func TestTheSettingsOfAServiceInProduction(t *testing.T) {
	t.Parallel()
	const password = "p@ss-word#1"
	server := startKafka(t, testservers.KafkaOptions{Nodes: 3, Heap: "256m", Security: &testservers.KafkaSecurity{
		Users: map[string]string{"user-service": password}, Super: []string{"user-service"},
	}})
	users := topics.Event[string]{Name: "user-events", Partitions: 3}
	mails := topics.Event[string]{Name: "welcome-mails"}
	got := make(chan string, 10)
	service := app.New(fx.NopLogger,
		app.WorkFunc(users, mails, func(_ context.Context, s string) (string, error) { return "welcome " + s, nil }, router.Name("welcome")),
		app.ConsumeFunc(mails, func(_ context.Context, s string) error { got <- s; return nil }, router.Name("record"), router.Group("notification-service")),
	).In(app.Environment{Log: t.Output(), Settings: settings.Options{Dir: t.TempDir(), NoDotEnv: true, Environ: []string{
		"KAFKA_ENABLED=True", "KAFKA_BACKEND=confluent", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(server.SASLSSL(), ", "),
		"KAFKA_CLIENT_ID=user-service", "KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_MECHANISM=SCRAM-SHA-256",
		"KAFKA_SASL_USERNAME=user-service", "KAFKA_SASL_PASSWORD=" + password, "KAFKA_SSL_CAFILE=" + server.Authority().PEM(),
		"KAFKA_COMPRESSION_TYPE=lz4", "KAFKA_LINGER_MS=5", "KAFKA_MAX_BATCH_SIZE=32768", "KAFKA_REQUEST_TIMEOUT_MS=30000",
		"AVRO_DEFAULT_NAMESPACE=com.example.users", "MESSAGING_DEAD_LETTER_TOPIC=dead-letter",
	}}})
	if err := service.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("ana ", 1000)
	if err := router.NewPublisher(service.Router(), users).Publish(within(t), text); err != nil {
		t.Error(err)
	}
	if s := await(t, got); s != "welcome "+text {
		t.Errorf("got %.40q", s)
	}
	if err := service.Stop(within(t)); err != nil {
		t.Error(err)
	}
	if r := first(t, server.Brokers(), "user-events"); r.Attrs.CompressionType() != 3 {
		t.Errorf("compression %d, want lz4", r.Attrs.CompressionType())
	}
	if topic := describe(t, server.Brokers(), "user-events"); len(topic.Partitions[0].Replicas) != 3 {
		t.Errorf("%d replicas, want one on each node", len(topic.Partitions[0].Replicas))
	}
}

// startKafka starts a real Kafka for t alone.
func startKafka(t *testing.T, o testservers.KafkaOptions) *testservers.KafkaServer {
	t.Helper()
	s, err := testservers.StartKafka(t.Context(), o)
	if errors.Is(err, testservers.ErrUnavailable) && !testservers.RequireReal() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func await[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-within(t).Done():
		t.Fatal("nothing came")
	}
	return v
}

// first is the first record of a topic, as a foreign consumer gets it.
func first(t *testing.T, brokers []string, topic string) *kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	fs := cl.PollRecords(within(t), 1)
	if fs.NumRecords() == 0 {
		t.Fatalf("no record in %s: %v", topic, fs.Err())
	}
	return fs.Records()[0]
}

func describe(t *testing.T, brokers []string, topic string) kadm.TopicDetail {
	t.Helper()
	details, err := adminOf(t, brokers).ListTopics(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	return details[topic]
}

func TestCompressionKeepsWhatIsPublished(t *testing.T) {
	t.Parallel()
	for i, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t, func(c *settings.Kafka) { c.CompressionType = codec })
			topic := newTopic(t, b, 1)
			value := strings.Repeat("leat ", 5000)
			produce(t, b.Sends(), &broker.Record{Topic: topic, Value: []byte(value)})
			if got := first(t, testservers.KafkaFor(t).Brokers, topic); int(got.Attrs.CompressionType()) != i || string(got.Value) != value {
				t.Errorf("compression %d, want %d; %d bytes, want %d", got.Attrs.CompressionType(), i, len(got.Value), len(value))
			}
			var got seen
			joinReady(t, b, topic, broker.Subscription{Topic: topic, Handle: got.handle})
			got.wait(t, 1)
			if r := got.all()[0]; string(r.Value) != value {
				t.Errorf("%d bytes came back, want %d", len(r.Value), len(value))
			}
		})
	}
}

func TestMaxBatchSizeIsNoCap(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.MaxBatchSize = 16384 })
	topic := newTopic(t, b, 1)
	produce(t, b.Sends(), &broker.Record{Topic: topic, Value: make([]byte, 20<<10)})
	if r := first(t, testservers.KafkaFor(t).Brokers, topic); len(r.Value) != 20<<10 {
		t.Errorf("%d bytes", len(r.Value))
	}
	err := produceOne(t, b.Sends(), &broker.Record{Topic: topic, Value: make([]byte, 2<<20)})
	if !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("2 MiB: %v, want ErrTooLarge", err)
	}
}

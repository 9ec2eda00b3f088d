package app_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

type user struct {
	ID    string `avro:"id" json:"id"`
	Email string `avro:"email" json:"email"`
}

func (u user) Key() string { return u.ID }

type greeted struct {
	Email string `avro:"email" json:"email"`
}

func greet(_ context.Context, u user) (greeted, error) { return greeted{u.Email}, nil }

// greetings is the same service for every broker: an Avro topic in, a worker, a consumer.
func greetings(t *testing.T, got chan<- string) fx.Option {
	t.Helper()
	users := topics.Event[user]{Name: testservers.Unique(t, "users"), Key: user.Key, Format: topics.Avro}
	mails := topics.Event[greeted]{Name: testservers.Unique(t, "mails")}
	return fx.Options(
		app.Publish(users), app.WorkFunc(users, mails, greet),
		app.ConsumeFunc(mails, func(_ context.Context, g greeted) error { got <- g.Email; return nil }, router.Name("read")),
		app.Go(func(p router.Publisher[user], ctx context.Context) error {
			return p.Publish(ctx, user{"1", "ana@example.com"})
		}),
	)
}

func TestSettingsAloneChooseTheBroker(t *testing.T) {
	t.Parallel()
	kafka, redis, registry := testservers.EmbeddedKafka(t), testservers.EmbeddedRedis(t), testservers.EmbeddedRegistry(t)
	servers := "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(kafka.Brokers, ",")
	for name, env := range map[string][]string{
		"memory":          nil,
		"kafka":           {"KAFKA_ENABLED=true", servers},
		"sarama":          {"KAFKA_ENABLED=true", "KAFKA_BACKEND=sarama", servers},
		"redis":           {"REDIS_ENABLED=true", "REDIS_URL=" + redis.URL()},
		"redisstream":     {"REDIS_ENABLED=true", "REDIS_BACKEND=watermill", "REDIS_URL=" + redis.URL()},
		"kafka, registry": {"KAFKA_ENABLED=true", servers, "KAFKA_SCHEMA_REGISTRY_URL=" + registry.URL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			a := started(t, with(t, append(env, "SERVICE_NAME="+testservers.Unique(t, "shop")), greetings(t, got)))
			expect(t, got, "ana@example.com")
			status := a.Status(t.Context())
			i := slices.IndexFunc(status, func(s app.BrokerStatus) bool { return s.Configured })
			if served := status[i]; served.Name != a.Broker().Name() || !served.Connected || !served.Ready {
				t.Errorf("status %+v", status)
			}
		})
	}
}

func expect(t *testing.T, got <-chan string, want string) {
	t.Helper()
	select {
	case s := <-got:
		if s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not come within 30 s", want)
	}
}

type bothProducers struct {
	fx.In
	Kafka   router.Producer `name:"kafka"`
	Redis   router.Producer `name:"redis"`
	Default router.Producer
}

func TestTwoBrokersAtOnce(t *testing.T) {
	t.Parallel()
	kafka, redis := testservers.EmbeddedKafka(t), testservers.EmbeddedRedis(t)
	in, out := topics.Event[user]{Name: "users", Key: user.Key}, topics.Event[greeted]{Name: "mails"}
	got := make(chan string, 8)
	var to bothProducers
	a := started(t, with(t, []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(kafka.Brokers, ","),
		"REDIS_ENABLED=true", "REDIS_URL=" + redis.URL(), "MESSAGING_BROKER=kafka", "TOPICS__MAILS__BROKER=redis", "SERVICE_NAME=shop",
	},
		app.WorkFunc(in, out, greet), fx.Populate(&to),
		app.ConsumeFunc(out, func(ctx context.Context, g greeted) error { got <- g.Email; return router.Permanent(context.Canceled) }, router.Name("read")),
		app.ConsumeFunc(topics.Event[user]{Name: "side"}, func(ctx context.Context, u user) error { got <- "side " + u.ID; return nil }, router.Name("side")),
	))
	send := func(p router.Producer, topic string, v any) {
		t.Helper()
		if _, err := p.Send(t.Context(), topic, v); err != nil {
			t.Fatalf("send to %s: %v", topic, err)
		}
	}
	send(to.Default, "users", user{"1", "default"})
	expect(t, got, "default") // from Kafka through the worker to Redis
	send(to.Kafka, "users", user{"1", "kafka"})
	expect(t, got, "kafka")
	send(to.Redis, "mails", greeted{"redis"})
	expect(t, got, "redis")
	send(to.Default, "side", user{ID: "2"})
	expect(t, got, "side 2")
	infos, err := a.Broker().Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
	}
	if want := "mails mails.dlq side side.dlq users users.dlq"; strings.Join(names, " ") != want {
		t.Errorf("topics %v, want %s", names, want)
	}
	c, err := a.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for topic, want := range map[string]string{"mails": "redis", "mails.dlq": "redis", "users": "kafka", "users.dlq": "kafka", "unknown": "kafka"} {
		if got := c.BrokerOf(topic).Name(); got != want {
			t.Errorf("%s is on %s, want %s", topic, got, want)
		}
	}
	if bs := c.Brokers(); len(bs) != 2 || bs[0].Name() != "kafka" || c.Broker().Name() != "kafka+redis" {
		t.Errorf("brokers %v", bs)
	}
	letters := 0
	for r, err := range c.Broker().Read(t.Context(), broker.ReadOptions{Topics: []string{"mails.dlq", "users", "mails"}, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if origin, ok := r.Headers.Get("leat-original-topic"); ok && string(origin) == "mails" {
			letters++
		}
	}
	if letters == 0 {
		t.Error("no dead letter beside its source")
	}
}

func TestProducersByNameStandOnWhatThereIs(t *testing.T) {
	t.Parallel()
	var to bothProducers
	started(t, with(t, nil, fx.Populate(&to)))
	for name, p := range map[string]router.Producer{"kafka": to.Kafka, "redis": to.Redis} {
		if _, err := p.Send(t.Context(), "anything", map[string]any{"a": 1}); err != nil {
			t.Errorf("in memory %s: %v", name, err)
		}
	}
	kafka := testservers.EmbeddedKafka(t)
	err := with(t, []string{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + kafka.Brokers[0]}, fx.Populate(&to)).Start(t.Context())
	if want := "a producer of redis: redis is not enabled (set REDIS_ENABLED=true)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestClientKnowsTheServiceAndRunsNothing(t *testing.T) {
	t.Parallel()
	b := &built{}
	a := with(t, []string{"SERVICE_NAME=shop"}, providers(b), app.Publish(late), app.Work(orders, receipts, (*Mailer).Welcome))
	c, err := a.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := router.NewProducer(c.Router()).Send(t.Context(), "orders", order{"1"}); err != nil {
		t.Error(err)
	}
	if len(c.Router().Topics()) != 3 || len(b.all()) > 0 || c.Settings().Settings.Service.Name != "shop" || c.Log() == nil {
		t.Errorf("topics %v, built %v", c.Router().Topics(), b.all())
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

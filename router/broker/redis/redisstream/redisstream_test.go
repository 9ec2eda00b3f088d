package redisstream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/router/broker/redis/redisstream"
	"github.com/leat-go/leat/router/broker/stock/stocktest"
	"github.com/leat-go/leat/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(testservers.Tests{M: m}) }

func cfgFor(url string) settings.Redis {
	return settings.Redis{URL: settings.URL(url), ClaimIdle: time.Second}
}

func open(t testing.TB, cfg settings.Redis) *redisstream.Broker {
	t.Helper()
	b, err := redisstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opener(url string) func(testing.TB) broker.Broker {
	return func(t testing.TB) broker.Broker {
		t.Helper()
		return open(t, cfgFor(url))
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	url := testservers.EmbeddedRedis(t).URL()
	stocktest.Run(t, opener(url))
}

func TestServer(t *testing.T) {
	t.Parallel()
	server := testservers.RedisFor(t)
	if !server.Real {
		t.Skip("the embedded one has its own test")
	}
	stocktest.Run(t, opener(server.URL()))
}

func TestConnectNamesAddressAndSetting(t *testing.T) {
	t.Parallel()
	b := open(t, cfgFor("redis://127.0.0.1:1/0"))
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := b.Connect(ctx)
	if !errors.Is(err, broker.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "REDIS_URL") {
		t.Errorf("connect: %v", err)
	}
}

func TestAnEntryOfAForeignProducer(t *testing.T) {
	t.Parallel()
	server := testservers.EmbeddedRedis(t)
	c := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	defer c.Close() //nolint:errcheck // nothing to flush
	id, err := c.XAdd(t.Context(), &goredis.XAddArgs{Stream: "foreign", Values: []string{"user", "ann"}}).Result()
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, cfgFor(server.URL()))
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	got := make(chan *broker.Record, 1)
	m, err := b.Join(t.Context(), broker.Group{Name: "g", Subscriptions: []broker.Subscription{{
		Topic: "foreign", Handle: func(d broker.Delivery) { got <- d.Record(); d.Done() },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context()) //nolint:errcheck // fails the test in others
	if r := <-got; string(r.Value) != `{"user":"ann"}` || r.Offset != id {
		t.Errorf("record is %s at %s, want the entry at %s as JSON", r.Value, r.Offset, id)
	}
}

func TestATopicWithPartitionsIsRefused(t *testing.T) {
	t.Parallel()
	cfg := cfgFor(testservers.EmbeddedRedis(t).URL())
	whole, err := redis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close(t.Context()) //nolint:errcheck // nothing to flush
	if err := whole.CreateTopics(t.Context(), broker.TopicConfig{Name: "orders", Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	b := open(t, cfg)
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	_, err = b.Join(t.Context(), broker.Group{Name: "g", Subscriptions: []broker.Subscription{{Topic: "orders", Handle: func(broker.Delivery) {}}}})
	if err == nil || !strings.Contains(err.Error(), "3 partitions") {
		t.Errorf("join: %v", err)
	}
}

func TestWhatIsInHandIsNotTakenAway(t *testing.T) {
	t.Parallel()
	server := testservers.RedisFor(t)
	cfg := cfgFor(server.URL())
	b := open(t, cfg)
	defer b.Close(t.Context()) //nolint:errcheck // nothing to flush
	topic := testservers.Unique(t, "stock")
	b.Sends().Produce(t.Context(), &broker.Record{Topic: topic, ID: "1"}, func(broker.Receipt, error) {})
	if err := b.Sends().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(chan *broker.Record, 10)
	release := make(chan struct{})
	group := broker.Group{Name: "g", Subscriptions: []broker.Subscription{{
		Topic: topic, Handle: func(d broker.Delivery) { got <- d.Record(); <-release; d.Done() },
	}}}
	for range 2 { // one of them handles the entry, the other one looks for entries of the dead
		m, err := b.Join(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(t.Context()) //nolint:errcheck // the entry is done
	}
	<-got
	select {
	case <-got:
		t.Error("the entry came twice")
	case <-time.After(3 * cfg.ClaimIdle):
	}
	close(release)
}

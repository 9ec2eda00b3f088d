package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wredis "github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
)

// The known faults of the stock subscriber for Redis: each is seen on that one, and not here.

// faulty is a stream that a stock subscriber and leat's backend read, a group each.
type faulty struct {
	*testing.T
	client *goredis.Client
	stream string
}

func stockOnRedis(t *testing.T) *faulty {
	t.Helper()
	t.Parallel()
	c := goredis.NewClient(&goredis.Options{Addr: testservers.RedisFor(t).Addr})
	t.Cleanup(func() { _ = c.Close() })
	return &faulty{t, c, testservers.Unique(t, "fault")}
}

// add writes an entry with that metadata, which is MessagePack.
func (f *faulty) add(metadata, payload string) {
	f.Helper()
	values := []string{"_watermill_message_uuid", payload, "metadata", metadata, "payload", payload}
	if err := f.client.XAdd(f.Context(), &goredis.XAddArgs{Stream: f.stream, Values: values}).Err(); err != nil {
		f.Fatal(err)
	}
}

// stock subscribes with the stock adapter.
func (f *faulty) stock() <-chan *message.Message {
	f.Helper()
	c := goredis.NewClient(f.client.Options())
	s, err := wredis.NewSubscriber(wredis.SubscriberConfig{
		Client: c, ConsumerGroup: "stock", MaxIdleTime: 200 * time.Millisecond, ClaimInterval: 50 * time.Millisecond,
		DisableIndefiniteInitialBlock: true,
	}, watermill.NopLogger{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	messages, err := s.Subscribe(f.Context(), f.stream)
	if err != nil {
		f.Fatal(err)
	}
	return messages
}

// ours subscribes with leat's backend; handle ends what it is given.
func (f *faulty) ours(handle func(broker.Delivery)) {
	f.Helper()
	b := must(redis.New(redisSettings(f.T)))(f.T)
	m, err := b.Join(f.Context(), broker.Group{Name: "ours", Subscriptions: []broker.Subscription{{Topic: f.stream, Concurrency: 1, Handle: handle}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Close(context.Background()) })
}

func expect[V any](f testing.TB, what string, c <-chan V) (v V, open bool) {
	f.Helper()
	select {
	case v, open = <-c:
	case <-time.After(30 * time.Second):
		f.Fatalf("waited in vain for %s", what)
	}
	return v, open
}

const (
	noMetadata  = "\x80" // an empty map
	badMetadata = "\xc1" // never used in MessagePack
)

func TestAMalformedEntryEndsNoSubscription(t *testing.T) {
	f := stockOnRedis(t)
	f.add(badMetadata, "bad")
	f.add(noMetadata, "good")
	if m, open := expect(f, "the end of the stock subscription", f.stock()); open {
		t.Errorf("the stock subscriber delivers %s: this fault is gone", m.Payload)
	}
	got := make(chan string, 100)
	f.ours(func(d broker.Delivery) { got <- string(d.Record().Value); d.Done() })
	for v := ""; v != "good"; {
		v, _ = expect(f, "the good entry behind the bad one", got)
	}
}

func TestNobodyClaimsItsOwnRunningWork(t *testing.T) {
	f := stockOnRedis(t)
	f.add(noMetadata, "slow")
	messages := f.stock()
	first, _ := expect(f, "the first delivery by the stock subscriber", messages)
	<-time.After(time.Second) // five times as long as work may be idle
	first.Ack()
	again, _ := expect(f, "the second delivery by the stock subscriber", messages)
	again.Ack()
	f.add(noMetadata, "next")
	got := make(chan string, 100)
	f.ours(func(d broker.Delivery) {
		got <- string(d.Record().Value)
		if string(d.Record().Value) == "slow" {
			<-time.After(5 * time.Second) // longer than the lease of 3 s
		}
		d.Done()
	})
	for _, want := range []string{"slow", "next"} {
		if v, _ := expect(f, want, got); v != want {
			t.Errorf("%s comes, want %s", v, want)
		}
	}
}

func TestALostGroupIsMadeAgain(t *testing.T) {
	f := stockOnRedis(t)
	got := make(chan string, 100)
	f.add(noMetadata, "before")
	messages := f.stock()
	f.ours(func(d broker.Delivery) { got <- string(d.Record().Value); d.Done() })
	m, _ := expect(f, "the first message by the stock subscriber", messages)
	m.Ack()
	expect(f, "the first message", got)
	if err := f.client.Del(f.Context(), f.stream).Err(); err != nil { // as after a flush
		t.Fatal(err)
	}
	f.add(noMetadata, "after")
	for v := ""; v != "after"; {
		v, _ = expect(f, "what comes after the loss", got)
	}
	groups, err := f.client.XInfoGroups(f.Context(), f.stream).Result()
	if err != nil || len(groups) != 1 || groups[0].Name != "ours" {
		t.Errorf("groups %v: %v: the stock subscriber makes its own again, this fault is gone", groups, err)
	}
}

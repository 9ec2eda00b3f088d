package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// benchRecord is what a typed router publishes: 100 bytes and the usual headers.
func benchRecord(topic string, i int) *broker.Record {
	return &broker.Record{
		Topic: topic, Key: []byte("k" + strconv.Itoa(1000+i%1000)), Value: []byte(strings.Repeat("v", 100)),
		ID: "01932b4f-8a51-7c3e-9d6f-" + fmt.Sprintf("%012d", i),
		Headers: broker.Headers{
			{Key: "content-type", Value: []byte("application/json")},
			{Key: "leat-type", Value: []byte("orders.Placed")},
			{Key: "correlation_id", Value: []byte("01932b4f-8a51-7c3e-9d6f-2b5a7c8d9e0f")},
		},
	}
}

func benchBroker(b *testing.B) (br *redis.Broker, addr, topic string) {
	b.Helper()
	addr = testservers.RedisFor(b).Addr
	var err error
	br, err = redis.New(settings.Redis{URL: settings.URL("redis://" + addr + "/0")}, redis.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = br.Close(context.Background()) })
	topic = testservers.Unique(b, "orders")
	if err := br.CreateTopics(b.Context(), broker.TopicConfig{Name: topic, Partitions: 6}); err != nil {
		b.Fatal(err)
	}
	return br, addr, topic
}

// serverTime reports how long the server worked on each message.
func serverTime(b *testing.B, addr string) (stop func()) {
	b.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr})
	before := cpu(b, c)
	return func() {
		b.ReportMetric((cpu(b, c)-before)*1e6/float64(b.N), "server-µs/op")
		_ = c.Close()
	}
}

func cpu(b *testing.B, c *goredis.Client) (seconds float64) {
	b.Helper()
	for line := range strings.Lines(c.Info(b.Context(), "cpu").Val()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			s, _ := strconv.ParseFloat(value, 64)
			seconds += s
		}
	}
	return seconds
}

// BenchmarkPublish hands records over without waiting for the one before.
func BenchmarkPublish(b *testing.B) {
	br, addr, topic := benchBroker(b)
	flood(b, br, topic, 100)
	b.ReportAllocs()
	defer serverTime(b, addr)()
	b.ResetTimer()
	flood(b, br, topic, b.N)
	b.StopTimer()
}

func flood(b *testing.B, br *redis.Broker, topic string, n int) {
	b.Helper()
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		br.Sends().Produce(b.Context(), benchRecord(topic, i), func(_ broker.Receipt, err error) {
			if err != nil {
				b.Error(err)
			}
			wg.Done()
		})
	}
	wg.Wait()
}

// BenchmarkPublishOne waits for each record.
func BenchmarkPublishOne(b *testing.B) {
	br, addr, topic := benchBroker(b)
	flood(b, br, topic, 100)
	b.ReportAllocs()
	defer serverTime(b, addr)()
	for b.Loop() {
		flood(b, br, topic, 1)
	}
}

// BenchmarkConsume measures a message from the stream to its acknowledgement.
func BenchmarkConsume(b *testing.B) {
	br, addr, topic := benchBroker(b)
	flood(b, br, topic, b.N)
	b.ReportAllocs()
	defer serverTime(b, addr)()
	b.ResetTimer()
	var seen atomic.Int64
	all := make(chan struct{})
	m, err := br.Join(b.Context(), broker.Group{Name: "bench", Subscriptions: []broker.Subscription{{
		Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
			d.Done()
			if seen.Add(1) == int64(b.N) {
				close(all)
			}
		},
	}}})
	if err != nil {
		b.Fatal(err)
	}
	<-all
	if err := m.Close(context.Background()); err != nil { // acknowledges what is left
		b.Error(err)
	}
	b.StopTimer()
}

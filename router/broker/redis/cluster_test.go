package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// TestConformanceCluster has a user for whom no node knows a command that Redis 6.2 had not.
func TestConformanceCluster(t *testing.T) {
	t.Parallel()
	cluster := testservers.RedisClusterFor(t)
	old := as62(t, cluster.Nodes()...)
	brokertest.Run(t, func(t testing.TB) broker.Broker {
		t.Helper()
		lines := brokertest.NewLines(t)
		cfg := settings.Redis{URL: settings.URL("redis://" + cluster.Addr()), Cluster: true, Lease: 3 * time.Second}
		old(&cfg)
		b, err := redis.New(cfg, redis.Logger(slog.New(slog.NewTextHandler(t.Output(), nil))), redis.Dialer(lines.Dial))
		if err != nil {
			t.Fatal(err)
		}
		return onLines{b, lines}
	}, append(cannot, brokertest.Crash(func(b broker.Broker, _ []broker.Member) {
		b.(onLines).lines.Cut() //nolint:forcetypeassert // see above
	}), brokertest.Away(func(b broker.Broker) (back func()) {
		return b.(onLines).lines.Cut() //nolint:forcetypeassert // see above
	}))...)
}

// onLines is a broker whose connections can be cut, to whatever node.
type onLines struct {
	*redis.Broker
	lines *brokertest.Lines
}

func inCluster(c *settings.Redis) { c.Cluster = true }

func clusterClient(t *testing.T, addr string) *goredis.ClusterClient {
	t.Helper()
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: []string{addr}})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func streamOf(topic string, partition int) string {
	if partition == 0 {
		return topic
	}
	return fmt.Sprint(topic, ":", partition)
}

func TestPartitionsAreSpreadOverTheCluster(t *testing.T) {
	t.Parallel()
	const partitions = 30
	cluster := testservers.RedisClusterFor(t)
	b := open(t, cluster.Addr(), inCluster)
	topic := create(t, b, partitions)
	var seen ids
	join(t, b, group(topic, seen.handle, func(g *broker.Group) { g.Subscriptions[0].Concurrency = 30 }))
	var sent sync.WaitGroup
	for i := range 300 {
		sent.Add(1)
		r := &broker.Record{Topic: topic, ID: fmt.Sprint("m", i), Key: fmt.Appendf(nil, "key-%d", i)}
		b.Sends().Produce(t.Context(), r, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Errorf("publish %d: %v", i, err)
			}
			sent.Done()
		})
	}
	sent.Wait()
	until(t, "all are handled", func() bool { return seen.has("m", 300) })
	c := clusterClient(t, cluster.Addr())
	perNode := map[string]int{}
	for p := range partitions {
		node, err := c.MasterForKey(t.Context(), streamOf(topic, p))
		if err != nil {
			t.Fatal(err)
		}
		perNode[node.Options().Addr] += int(node.XLen(t.Context(), streamOf(topic, p)).Val())
	}
	if len(perNode) != 3 || total(perNode) != 300 {
		t.Errorf("entries by node: %v", perNode)
	}
}

func TestStateOfAClusterKeepsTheNewestOfEveryKey(t *testing.T) {
	t.Parallel()
	cluster := testservers.RedisClusterFor(t)
	b := open(t, cluster.Addr(), inCluster)
	topic := create(t, b, 6, func(c *broker.TopicConfig) { c.Kind = topics.KindState })
	want := map[string]string{}
	ids := map[string]broker.Receipt{}
	for i := range 60 {
		key := fmt.Sprint("k", i%20)
		want[key] = strconv.Itoa(i)
		ids[key] = publish(t, b, &broker.Record{Topic: topic, Key: []byte(key), Value: []byte(want[key])})
	}
	got := map[string]string{}
	for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := got[string(r.Key)]; twice {
			t.Errorf("%s is there twice", r.Key)
		}
		got[string(r.Key)] = string(r.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	c := clusterClient(t, cluster.Addr())
	for key, rc := range ids {
		hash := "{" + streamOf(topic, int(rc.Partition)) + "}:latest"
		if id := c.HGet(t.Context(), hash, key).Val(); id != rc.Offset {
			t.Errorf("latest of %s is %q, not %s", key, id, rc.Offset)
		}
	}
}

// orders notes what comes per key and whether the order holds.
type orders struct {
	mu   sync.Mutex
	last map[string]int
	seen map[string]bool
	bad  []string
}

func (o *orders) handle(d broker.Delivery) {
	key, value := string(d.Record().Key), string(d.Record().Value)
	n, _ := strconv.Atoi(value)
	o.mu.Lock()
	if o.last == nil {
		o.last, o.seen = map[string]int{}, map[string]bool{}
	}
	if n > o.last[key]+1 {
		o.bad = append(o.bad, fmt.Sprintf("%s: %d came after %d", key, n, o.last[key]))
	}
	o.last[key] = max(n, o.last[key])
	o.seen[key+"/"+value] = true
	o.mu.Unlock()
	d.Done()
}

func (o *orders) count() int { o.mu.Lock(); defer o.mu.Unlock(); return len(o.seen) }

func (o *orders) check(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, fault := range o.bad {
		t.Error(fault)
	}
}

// produceInOrder sends n records for each key, numbered from 1, without waiting, until a
// stop. It returns how many were acknowledged, after the last answer.
func produceInOrder(ctx context.Context, t *testing.T, b *redis.Broker, topic string, keys int) func() int {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	var running, answers sync.WaitGroup
	var mu sync.Mutex
	acked := 0
	running.Go(func() {
		for n := 1; pauseUntil(ctx, 5*time.Millisecond); n++ {
			for k := range keys {
				answers.Add(1)
				r := &broker.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", k), Value: fmt.Append(nil, n)}
				b.Outputs().Produce(context.WithoutCancel(ctx), r, func(_ broker.Receipt, err error) {
					defer answers.Done()
					if err != nil {
						t.Errorf("publish k%d/%d: %v", k, n, err)
						return
					}
					mu.Lock()
					acked++
					mu.Unlock()
				})
			}
		}
	})
	return func() int { stop(); running.Wait(); answers.Wait(); return acked }
}

// pauseUntil waits and reports whether ctx goes on.
func pauseUntil(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// TestSlotsMoveUnderLoad moves them with what Redis 6.2 knew.
func TestSlotsMoveUnderLoad(t *testing.T) {
	t.Parallel()
	cluster, err := testservers.StartRedisCluster(t.Context(), 3, testservers.RedisOptions{})
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	b := open(t, cluster.Addr(), inCluster, as62(t, cluster.Nodes()...))
	topic := create(t, b, 4)
	var seen orders
	join(t, b, group(topic, seen.handle))
	stop := produceInOrder(t.Context(), t, b, topic, 20)
	c := clusterClient(t, cluster.Addr())
	for round := range 3 {
		until(t, "messages flow", func() bool { return seen.count() > 200*round })
		for p := range 4 {
			slot := int(c.ClusterKeySlot(t.Context(), streamOf(topic, p)).Val())
			if err := cluster.Move(t.Context(), slot, cluster.Nodes()[(p+round)%3]); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := stop()
	until(t, "all is handled", func() bool { return seen.count() == n })
	seen.check(t)
}

func unavailable(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, testservers.ErrUnavailable) && !testservers.RequireReal() {
		t.Skip(err)
	}
	t.Fatal(err)
}

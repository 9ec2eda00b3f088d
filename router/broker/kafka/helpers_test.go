package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

// patience bounds every wait of these tests.
const patience = 40 * time.Second

func config(brokers []string) settings.Kafka {
	return settings.Kafka{
		BootstrapServers: brokers, SecurityProtocol: "PLAINTEXT", CompressionType: "none",
		MaxMessageBytes: 1 << 20, RequestTimeout: 10 * time.Second, RetryBackoff: 50 * time.Millisecond,
		AutoOffsetReset: "earliest", EnableAutoCommit: true, AutoCommitInterval: 5 * time.Second,
		SessionTimeout: 10 * time.Second, HeartbeatInterval: 200 * time.Millisecond,
		Balancer: "cooperative-sticky", GroupProtocol: "classic", IsolationLevel: "read_committed",
	}
}

func newBroker(t *testing.T, change ...func(*settings.Kafka)) *kafka.Broker {
	t.Helper()
	cfg := config(testservers.KafkaFor(t).Brokers)
	for _, f := range change {
		f(&cfg)
	}
	return openBroker(t, cfg)
}

func openBroker(t *testing.T, cfg settings.Kafka) *kafka.Broker {
	t.Helper()
	b, err := kafka.New(cfg, kafka.Logger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newTopic(t *testing.T, b *kafka.Broker, partitions int) string {
	t.Helper()
	name := testservers.Unique(t, "t")
	create(t, b, broker.TopicConfig{Name: name, Partitions: partitions})
	return name
}

func create(t *testing.T, b *kafka.Broker, c broker.TopicConfig) {
	t.Helper()
	if err := b.CreateTopics(within(t), c); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// briefly bounds what must not succeed.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// produce publishes records and waits for all of them.
func produce(t *testing.T, p broker.Producer, rs ...*broker.Record) []broker.Receipt {
	t.Helper()
	receipts, errs := make([]broker.Receipt, len(rs)), make([]error, len(rs))
	var wg sync.WaitGroup
	for i, r := range rs {
		wg.Add(1)
		p.Produce(within(t), r, func(rc broker.Receipt, err error) {
			receipts[i], errs[i] = rc, err
			wg.Done()
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return receipts
}

// keyed makes n records over a number of keys; their values count up per key.
func keyed(topic string, n, keys int) []*broker.Record {
	rs := make([]*broker.Record, n)
	for i := range rs {
		rs[i] = &broker.Record{Topic: topic, Key: []byte("key-" + strconv.Itoa(i%keys)), Value: []byte(strconv.Itoa(i / keys))}
	}
	return rs
}

func join(t *testing.T, b *kafka.Broker, group string, s broker.Subscription) broker.Member {
	t.Helper()
	m, err := b.Join(within(t), broker.Group{Name: group, Subscriptions: []broker.Subscription{s}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leave(t, m) })
	return m
}

func joinReady(t *testing.T, b *kafka.Broker, group string, s broker.Subscription) broker.Member {
	t.Helper()
	m := join(t, b, group, s)
	eventually(t, "member ready", m.Ready)
	return m
}

func leave(t *testing.T, m broker.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// seen collects what handlers get.
type seen struct {
	mu      sync.Mutex
	records []*broker.Record
	byKey   map[string][]string
}

func (s *seen) add(r *broker.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
	if s.byKey == nil {
		s.byKey = map[string][]string{}
	}
	s.byKey[string(r.Key)] = append(s.byKey[string(r.Key)], string(r.Value))
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

func (s *seen) all() []*broker.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*broker.Record(nil), s.records...)
}

func (s *seen) keys() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string][]string{}
	for k, vs := range s.byKey {
		m[k] = append([]string(nil), vs...)
	}
	return m
}

// handle records each delivery and finishes it.
func (s *seen) handle(d broker.Delivery) {
	s.add(d.Record())
	d.Done()
}

// wait waits for exactly n records.
func (s *seen) wait(t *testing.T, n int) {
	t.Helper()
	eventually(t, strconv.Itoa(n)+" records", func() bool { return s.count() >= n })
}

// unique counts distinct places.
func (s *seen) unique() int {
	places := map[string]bool{}
	for _, r := range s.all() {
		places[r.Topic+"/"+strconv.Itoa(int(r.Partition))+"/"+r.Offset] = true
	}
	return len(places)
}

// values counts distinct values.
func (s *seen) values() int {
	values := map[string]bool{}
	for _, r := range s.all() {
		values[string(r.Value)] = true
	}
	return len(values)
}

func outsider(t *testing.T) *kadm.Client {
	t.Helper()
	return adminOf(t, testservers.KafkaFor(t).Brokers)
}

func adminOf(t *testing.T, brokers []string) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// committed sums the group's positions in a topic.
func committed(t *testing.T, admin *kadm.Client, group, topic string) int64 {
	t.Helper()
	os, err := admin.FetchOffsets(within(t), group)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, o := range os[topic] {
		n += max(o.At, 0)
	}
	return n
}

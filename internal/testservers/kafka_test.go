package testservers_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
)

func startKafka(t *testing.T, o testservers.KafkaOptions) *testservers.KafkaServer {
	t.Helper()
	s, err := testservers.StartKafka(t.Context(), o)
	started(t, err)
	t.Cleanup(func() { closeServer(t, s) })
	return s
}

// topic is what the tests of a cluster use, each its own.
type topic struct {
	brokers []string
	name    string
}

func createTopic(t *testing.T, brokers []string) topic {
	t.Helper()
	tp := topic{brokers, testservers.Unique(t, "orders")}
	_, err := kadm.NewClient(kafkaClient(t, brokers)).CreateTopic(t.Context(), -1, -1, nil, tp.name)
	if err != nil {
		t.Fatal(err)
	}
	return tp
}

func kafkaClient(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (tp topic) produce(t *testing.T, value string) {
	t.Helper()
	c := kafkaClient(t, tp.brokers, kgo.DefaultProduceTopic(tp.name))
	if err := c.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// read returns the first n values.
func (tp topic) read(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := kafkaClient(t, tp.brokers, kgo.ConsumeTopics(tp.name), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	var values []string
	for len(values) < n {
		fetches := c.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("%d of %d records of %s: %v", len(values), n, tp.name, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func (tp topic) partitions(t *testing.T) int {
	t.Helper()
	topics, err := kadm.NewClient(kafkaClient(t, tp.brokers)).ListTopics(t.Context(), tp.name)
	if err != nil {
		t.Fatal(err)
	}
	return len(topics[tp.name].Partitions)
}

func TestKafkaKeepsItsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	s := startKafka(t, testservers.KafkaOptions{})
	orders := createTopic(t, s.Brokers())
	orders.produce(t, "before")
	if err := s.Kill(1); err != nil {
		t.Fatal(err)
	}
	if !refuses(t, s.Brokers()[0]) {
		t.Errorf("something still listens at %s after Kill", s.Brokers()[0])
	}
	if err := s.Restart(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"before"}, orders.read(t, 1)); diff != "" {
		t.Errorf("records after restart (-want +got):\n%s", diff)
	}
}

func TestKafkaFindsTheDataOfAGivenFolderAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startKafka(t, testservers.KafkaOptions{DataDir: dir})
	orders := createTopic(t, first.Brokers())
	orders.produce(t, "before")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startKafka(t, testservers.KafkaOptions{DataDir: dir})
	orders.brokers = second.Brokers()
	if diff := cmp.Diff([]string{"before"}, orders.read(t, 1)); diff != "" {
		t.Errorf("records after the second start (-want +got):\n%s", diff)
	}
}

func TestThreeKafkaNodesSurviveTheLossOfOne(t *testing.T) {
	t.Parallel()
	s := startKafka(t, testservers.KafkaOptions{Nodes: 3, Heap: "256m"})
	orders := createTopic(t, s.Brokers())
	orders.produce(t, "with three")
	if err := s.Kill(2); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		orders.produce(t, fmt.Sprintf("with two, %d", i))
	}
	if err := s.Restart(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if got := orders.read(t, 21); len(got) != 21 {
		t.Errorf("got %d records, want 21", len(got))
	}
}

func TestKafkaPropertiesAndCleanUp(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	s := startKafka(t, testservers.KafkaOptions{Properties: map[string]string{"num.partitions": "7"}})
	if got := createTopic(t, s.Brokers()).partitions(t); got != 7 {
		t.Errorf("a topic has %d partitions, want the 7 of Properties", got)
	}
	c := kafkaClient(t, s.Brokers(), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(1))
	err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "nobody-made-this"}).FirstErr()
	wantText(t, err, "UNKNOWN_TOPIC")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !refuses(t, s.Brokers()[0]) {
		t.Errorf("something still listens at %s after Close", s.Brokers()[0])
	}
	wantEmpty(t, tmp)
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left behind", entry.Name())
	}
}

func TestKafkaSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	bad := testservers.KafkaOptions{Properties: map[string]string{"num.partitions": "many"}}
	_, err := testservers.StartKafka(t.Context(), bad)
	wantFault(t, err, "num.partitions")
}

func TestKafkaHasOneNodeOrThree(t *testing.T) {
	t.Parallel()
	_, err := testservers.StartKafka(t.Context(), testservers.KafkaOptions{Nodes: 2})
	wantFault(t, err, "want 1 or 3")
}

func TestKafkaKnowsItsNodes(t *testing.T) {
	t.Parallel()
	var s testservers.KafkaServer
	wantText(t, s.Kill(1), "no kafka node 1")
}

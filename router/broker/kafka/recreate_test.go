package kafka_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

// A topic is deleted and created again under three members: each message of the new one, and of the topic
// that was left alone, comes to one of them, once.
func TestATopicCreatedAgainIsSharedOutAnew(t *testing.T) {
	t.Parallel()
	if !testservers.KafkaFor(t).Real {
		t.Skip("the embedded Kafka forgets a topic in its own way")
	}
	for name, change := range protocols() {
		for i := range times() {
			t.Run(name+" "+strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				sharedOutAnew(t, newBroker(t, change, func(c *settings.Kafka) { c.HeartbeatInterval = 3 * time.Second }))
			})
		}
	}
}

// protocols are the ways in which a group shares out its partitions.
func protocols() map[string]func(*settings.Kafka) {
	return map[string]func(*settings.Kafka){
		"cooperative-sticky": func(*settings.Kafka) {},
		"range":              func(c *settings.Kafka) { c.Balancer = "range" },
		"consumer protocol":  func(c *settings.Kafka) { c.GroupProtocol = "consumer" },
	}
}

// times is how often something that hangs on the moment is tried.
func times() int {
	if os.Getenv("LEAT_LONG") == "1" {
		return 10
	}
	return 1
}

const sixPartitions = 6

func sharedOutAnew(t *testing.T, b *kafka.Broker) {
	t.Helper()
	gone, kept, group := newTopic(t, b, sixPartitions), newTopic(t, b, sixPartitions), testservers.Unique(t, "g")
	var got seen
	members := joinAll(t, b, 3, group, &got, gone, kept)
	ready := func() bool {
		for _, m := range members {
			if !m.Ready() {
				return false
			}
		}
		return true
	}
	eventually(t, "all are ready", ready)
	published := publishRounds(t, &got, "before", 1, gone, kept)
	recreate(t, b, gone, sixPartitions)
	for i := 0; i < 20 || !ready(); i++ {
		published += publishRounds(t, &got, "after "+strconv.Itoa(i), 1, gone, kept)
	}
	published += publishRounds(t, &got, "settled", 20, gone, kept)
	for _, m := range members {
		leave(t, m)
	}
	wantOnce(t, &got, published)
}

// A stop in the middle of it waits for the member that leaves, and leaves nobody behind.
func TestAStopDuringARejoinIsOrderly(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	gone, kept, group := newTopic(t, b, 1), newTopic(t, b, 1), testservers.Unique(t, "g")
	var got, again seen
	running, release := make(chan struct{}), make(chan struct{})
	slow := func(d broker.Delivery) {
		close(running)
		<-release
		got.handle(d)
	}
	m, err := b.Join(within(t), broker.Group{Name: group, Subscriptions: []broker.Subscription{
		{Topic: gone, Handle: got.handle}, {Topic: kept, Handle: slow},
	}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready", m.Ready)
	produceTo(t, kept, 0, "v")
	await(t, running)
	recreate(t, b, gone, 1)
	eventually(t, "it leaves", func() bool { return !m.Ready() })
	close(release)
	leave(t, m)
	joinReady(t, b, group, broker.Subscription{Topic: kept, Handle: again.handle})
	produceTo(t, kept, 0, "next")
	eventually(t, "what comes after", func() bool { return slices.Contains(again.keys()[""], "next") })
}

func joinAll(t *testing.T, b *kafka.Broker, n int, group string, got *seen, topics ...string) (ms []broker.Member) {
	t.Helper()
	g := broker.Group{Name: group}
	for _, topic := range topics {
		g.Subscriptions = append(g.Subscriptions, broker.Subscription{Topic: topic, Handle: got.handle})
	}
	for range n {
		m, err := b.Join(within(t), g)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { leave(t, m) })
		ms = append(ms, m)
	}
	return ms
}

// publishRounds writes a message to each partition and waits until all of them came, again and again. It
// returns how many it wrote.
func publishRounds(t *testing.T, got *seen, name string, rounds int, topics ...string) (n int) {
	t.Helper()
	for i := range rounds {
		before := got.values()
		var rs []*kgo.Record
		for _, topic := range topics {
			for p := range int32(sixPartitions) {
				rs = append(rs, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%s %d %s/%d", name, i, topic, p)})
			}
		}
		write(t, rs)
		n += len(rs)
		eventually(t, name+", round "+strconv.Itoa(i), func() bool { return got.values() >= before+len(rs) })
	}
	return n
}

// write repeats what a topic that was just created does not take yet.
func write(t *testing.T, rs []*kgo.Record) {
	t.Helper()
	cl := foreignProducer(t)
	defer cl.Close()
	eventually(t, "written", func() bool {
		var refused []*kgo.Record
		for _, r := range cl.ProduceSync(within(t), rs...) {
			if errors.Is(r.Err, kerr.UnknownTopicID) {
				refused = append(refused, &kgo.Record{Topic: r.Record.Topic, Partition: r.Record.Partition, Value: r.Record.Value})
			} else if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		rs = refused
		cl.PurgeTopicsFromProducing(topicsOf(rs)...)
		return len(rs) == 0
	})
}

func topicsOf(rs []*kgo.Record) (names []string) {
	for _, r := range rs {
		names = append(names, r.Topic)
	}
	return names
}

// wantOnce wants n different values, each of them once.
func wantOnce(t *testing.T, got *seen, n int) {
	t.Helper()
	if v := got.values(); v != n {
		t.Errorf("%d different messages came, want %d", v, n)
	}
	if c := got.count(); c != n {
		t.Errorf("%d messages came, want %d: %d came twice", c, n, c-n)
	}
}

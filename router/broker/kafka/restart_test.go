package kafka_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

// The only node goes down and comes back under a member and a producer: nothing is lost, nothing is written
// twice, and what comes twice was handled before, when it could not be committed any more.
func TestANodeThatComesBackLosesNothing(t *testing.T) {
	t.Parallel()
	s := startKafka(t, testservers.KafkaOptions{Heap: "256m"})
	for name, end := range map[string]func(int) error{"stopped": s.Stop, "killed": s.Kill} {
		t.Run(name, func(t *testing.T) { comesBack(t, s, end) })
	}
}

func comesBack(t *testing.T, s *testservers.KafkaServer, end func(node int) error) {
	t.Helper()
	cfg := config(s.Brokers())
	cfg.SessionTimeout, cfg.EnableAutoCommit = time.Minute, false
	b := openBroker(t, cfg)
	topic, group := newTopic(t, b, 3), testservers.Unique(t, "g")
	var got seen
	joinReady(t, b, group, broker.Subscription{Topic: topic, Concurrency: 4, Handle: got.handle})
	var before int
	published := publishUntil(t, b, topic, func() {
		got.wait(t, 100)
		if err := end(1); err != nil {
			t.Error(err)
		}
		if err := s.Restart(within(t), 1); err != nil {
			t.Error(err)
		}
		before = got.count()
		eventually(t, "more after the restart", func() bool { return got.count() > before+100 })
	})
	eventually(t, "all that was published", func() bool { return got.values() >= published })
	if n := got.unique(); n != published {
		t.Errorf("%d records are in the log, want %d", n, published)
	}
	wantAgainOnlyFrom(t, got.all(), before)
	eventually(t, "all is committed", func() bool { return committed(t, adminOf(t, s.Brokers()), group, topic) == int64(published) })
}

// publishUntil publishes one message after the other, of ten keys, until during returns. It returns how many.
func publishUntil(t *testing.T, b *kafka.Broker, topic string, during func()) (n int) {
	t.Helper()
	over, published := make(chan struct{}), make(chan int, 1)
	go func() {
		n := 0
		for ; !closed(over); n++ {
			r := &broker.Record{Topic: topic, Key: []byte(strconv.Itoa(n % 10)), Value: []byte(strconv.Itoa(n))}
			if err := produceOne(t, b.Outputs(), r); err != nil {
				t.Error(err)
				break
			}
		}
		published <- n
	}()
	during()
	close(over)
	return await(t, published)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wantAgainOnlyFrom wants the values of each key to grow, but for what came among the first before records:
// that may come once more.
func wantAgainOnlyFrom(t *testing.T, rs []*broker.Record, before int) {
	t.Helper()
	last, times := map[string]int{}, map[int]int{}
	for i, r := range rs {
		n, err := strconv.Atoi(string(r.Value))
		if err != nil {
			t.Fatal(err)
		}
		if times[n]++; times[n] == 1 {
			if n < last[string(r.Key)] {
				t.Errorf("%d comes after %d", n, last[string(r.Key)])
			}
			last[string(r.Key)] = n
		} else if first := indexOf(rs, n); first >= before || times[n] > 2 {
			t.Errorf("%d comes for the %d. time, %d records after the node came back", n, times[n], i-before)
		}
	}
}

func indexOf(rs []*broker.Record, n int) int {
	return slices.IndexFunc(rs, func(r *broker.Record) bool { return string(r.Value) == strconv.Itoa(n) })
}

// A static member that comes back takes its partitions again, and the others hear nothing of it. With range a
// rebalance takes everything from everybody, so that a handler that does not return is cancelled by it.
func TestAStaticMemberRestartsWithoutTheOthers(t *testing.T) {
	t.Parallel()
	for name, static := range map[string]bool{"static": true, "without a name": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restartOne(t, static)
		})
	}
}

func restartOne(t *testing.T, static bool) {
	t.Helper()
	if !testservers.KafkaFor(t).Real {
		t.Skip("the embedded Kafka rebalances in its own time")
	}
	as := func(instance string) *kafka.Broker {
		return newBroker(t, func(c *settings.Kafka) {
			c.Balancer, c.SessionTimeout = "range", 30*time.Second
			if static {
				c.GroupInstanceID = instance
			}
		})
	}
	one, two := as("one"), as("two")
	topic := newTopic(t, one, 2)
	var got seen
	running, release := make(chan context.Context, 2), make(chan struct{})
	defer close(release)
	first := joinReady(t, one, topic, broker.Subscription{Topic: topic, Handle: got.handle})
	joinReady(t, two, topic, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		running <- d.Context()
		select {
		case <-d.Context().Done():
		case <-release:
			d.Done()
		}
	}})
	eventually(t, "both have a partition", func() bool { return first.Ready() && owners(t, topic) == 2 })
	for p := range int32(2) {
		produceTo(t, topic, p, "v")
	}
	handler := await(t, running)
	got.wait(t, 1)
	leave(t, first)
	joinReady(t, one, topic, broker.Subscription{Topic: topic, Handle: got.handle})
	if static {
		produceTo(t, topic, partitionOf(t, &got), "again")
		got.wait(t, 2)
		if handler.Err() != nil {
			t.Error("the other member's handler was cancelled: the group was shared out anew")
		}
		return
	}
	select {
	case <-handler.Done():
	case <-within(t).Done():
		t.Error("a rebalance leaves the others alone here: the test shows nothing")
	}
}

func partitionOf(t *testing.T, got *seen) int32 {
	t.Helper()
	return got.all()[0].Partition
}

// owners counts the members of a group that have a partition.
func owners(t *testing.T, group string) (n int) {
	t.Helper()
	groups, err := outsider(t).DescribeGroups(within(t), group)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range groups[group].Members {
		if a, ok := m.Assigned.AsConsumer(); ok && len(a.Topics) > 0 {
			n++
		}
	}
	return n
}

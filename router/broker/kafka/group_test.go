package kafka_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

func TestOrderPerKey(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 3)
	produce(t, b.Sends(), keyed(topic, 3000, 30)...)
	var got seen
	var running, most atomic.Int32
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Concurrency: 50, Handle: func(d broker.Delivery) {
		for n := running.Add(1); ; {
			if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		got.add(d.Record())
		running.Add(-1)
		d.Done()
	}})
	got.wait(t, 3000)
	wantInOrder(t, got.keys(), 100)
}

func wantInOrder(t *testing.T, byKey map[string][]string, each int) {
	t.Helper()
	want := make([]string, each)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	for key, vs := range byKey {
		if d := cmp.Diff(want, vs); d != "" {
			t.Errorf("key %s: %s", key, d)
		}
	}
}

func TestAParkedKeyStopsNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	produce(t, b.Sends(), keyed(topic, 30, 3)...)
	var got, stuck seen
	release := make(chan struct{})
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		select {
		case <-release:
		default:
			if string(d.Record().Key) == "key-1" {
				stuck.add(d.Record())
				d.Park(d.Attempt()+1, time.Now().Add(200*time.Millisecond), time.Now())
				return
			}
		}
		got.handle(d)
	}})
	got.wait(t, 20)
	eventually(t, "a second attempt", func() bool { return stuck.count() >= 2 })
	close(release)
	got.wait(t, 30)
	wantInOrder(t, got.keys(), 10)
}

func TestAttemptsSurviveCloseAndFinishedOnesStayFinished(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 300, 3)...)
	failed := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	var first, again seen
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		if string(d.Record().Key) == "key-1" {
			d.Park(3, time.Now().Add(time.Hour), failed)
			return
		}
		first.handle(d)
	}})
	first.wait(t, 200)
	leave(t, m)

	m = join(t, b, group, broker.Subscription{Topic: topic, Handle: again.handle})
	eventually(t, "ready", m.Ready)
	leave(t, m) // the parked one is due in an hour: it waits on
	if n := again.count(); n != 0 {
		t.Fatalf("%d records came again: %v", n, again.keys())
	}
}

func TestAttemptsGoOn(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 30, 3)...)
	failed := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	var first seen
	parked := make(chan struct{})
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		if string(d.Record().Key) == "key-1" {
			d.Park(3, time.Now().Add(time.Second), failed)
			close(parked)
			return
		}
		first.handle(d)
	}})
	first.wait(t, 20)
	<-parked
	leave(t, m)

	var again seen
	var attempts []int
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		attempts = append(attempts, d.Attempt())
		if d.Attempt() == 3 && !d.FirstFailed().Equal(failed) {
			t.Errorf("first failed at %v, want %v", d.FirstFailed(), failed)
		}
		again.handle(d)
	}})
	again.wait(t, 10)
	wantInOrder(t, again.keys(), 10)
	if want := []int{3, 1, 1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(attempts, want) {
		t.Errorf("attempts %v, want %v", attempts, want)
	}
}

func TestTwoMembersShareAndHandOver(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Kafka){
		"cooperative-sticky": func(*settings.Kafka) {},
		"range":              func(c *settings.Kafka) { c.Balancer = "range" },
		"consumer protocol":  func(c *settings.Kafka) { c.GroupProtocol = "consumer" },
		"commit at once":     func(c *settings.Kafka) { c.EnableAutoCommit = false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shareAndHandOver(t, newBroker(t, change))
		})
	}
}

func shareAndHandOver(t *testing.T, b *kafka.Broker) {
	t.Helper()
	topic, group := newTopic(t, b, 4), testservers.Unique(t, "g")
	var one, two, all seen
	sub := func(s *seen) broker.Subscription {
		return broker.Subscription{Topic: topic, Concurrency: 8, Handle: func(d broker.Delivery) {
			s.add(d.Record())
			all.handle(d)
		}}
	}
	rs := keyed(topic, 4000, 40)
	joinReady(t, b, group, sub(&one))
	produce(t, b.Sends(), rs[:1000]...)
	m := join(t, b, group, sub(&two))
	produce(t, b.Sends(), rs[1000:2000]...)
	eventually(t, "second member ready", m.Ready)
	eventually(t, "both work", func() bool {
		produce(t, b.Sends(), &broker.Record{Topic: topic, Key: []byte("more"), Value: []byte("x")}, &broker.Record{Topic: topic, Key: []byte("a"), Value: []byte("x")}, &broker.Record{Topic: topic, Key: []byte("c"), Value: []byte("x")})
		return two.count() > 0
	})
	produce(t, b.Sends(), rs[2000:3000]...)
	leave(t, m)
	produce(t, b.Sends(), rs[3000:]...)
	eventually(t, "everything", func() bool { return countKeys(&all, "key-") >= 4000 })
	if n, unique := all.count(), all.unique(); n != unique {
		t.Errorf("%d deliveries of %d records: clean hand-overs repeat nothing", n, unique)
	}
	keys := all.keys()
	delete(keys, "more")
	delete(keys, "a")
	delete(keys, "c")
	wantInOrder(t, keys, 100)
}

func countKeys(s *seen, prefix string) (n int) {
	for k, vs := range s.keys() {
		if len(k) > len(prefix) && k[:len(prefix)] == prefix {
			n += len(vs)
		}
	}
	return n
}

func TestACrashDeliversAgainWhatWasNotFinished(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.AutoCommitInterval = time.Hour })
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 20, 2)...)
	var first, again seen
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: first.handle})
	first.wait(t, 20)
	kafka.Crash(m)
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: again.handle})
	again.wait(t, 20)
	wantInOrder(t, again.keys(), 10)
}

func TestOnlyWhatIsFinishedIsCommitted(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.EnableAutoCommit = false })
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 30, 3)...) // keys 0, 1, 2 in turn
	var got seen
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Concurrency: 3, Handle: func(d broker.Delivery) {
		if string(d.Record().Key) == "key-1" {
			d.Release()
			d.Hold()
			return
		}
		got.handle(d)
	}})
	got.wait(t, 20)
	admin := outsider(t)
	eventually(t, "commit up to the gap", func() bool { return committed(t, admin, group, topic) == 1 })
	giveUp(t, m) // the held ones are never done
	var again seen
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: again.handle})
	again.wait(t, 10)
	eventually(t, "everything committed", func() bool { return committed(t, admin, group, topic) == 30 })
	want := map[string][]string{"key-1": {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}
	if d := cmp.Diff(want, again.keys()); d != "" {
		t.Error(d)
	}
}

// giveUp closes a member without patience for its handlers.
func giveUp(t *testing.T, m broker.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestSmallBoundsLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 3)
	produce(t, b.Sends(), keyed(topic, 50_000, 500)...)
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{
		Topic: topic, Concurrency: 16, Bounds: broker.Bounds{Records: 50, Bytes: 1 << 20, Span: 500}, Handle: got.handle,
	})
	got.wait(t, 50_000)
	if n, u := got.count(), got.unique(); n != 50_000 || u != 50_000 {
		t.Errorf("%d deliveries of %d records", n, u)
	}
	wantInOrder(t, got.keys(), 100)
}

func TestBatches(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	produce(t, b.Sends(), keyed(topic, 100, 5)...)
	var got seen
	var most atomic.Int32
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, BatchSize: 20, BatchWait: 50 * time.Millisecond, HandleBatch: func(ds []broker.Delivery) {
		most.Store(max(most.Load(), int32(len(ds)))) //nolint:gosec // at most 20
		for _, d := range ds {
			got.handle(d)
		}
	}})
	got.wait(t, 100)
	wantInOrder(t, got.keys(), 20)
	if n := most.Load(); n != 20 {
		t.Errorf("largest batch has %d, want 20", n)
	}
}

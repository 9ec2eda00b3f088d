package kafka_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
)

func read(t *testing.T, b *kafka.Broker, o broker.ReadOptions) (values []string) {
	t.Helper()
	for r, err := range b.Read(within(t), o) {
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, string(r.Value))
	}
	return values
}

// timed publishes ten messages to one partition, a minute apart, from base on.
func timed(t *testing.T, b *kafka.Broker, base time.Time) string {
	t.Helper()
	topic := newTopic(t, b, 1)
	for i := range 10 {
		produce(t, b.Sends(), &broker.Record{Topic: topic, Value: []byte(strconv.Itoa(i)), Time: base.Add(time.Duration(i) * time.Minute)})
	}
	return topic
}

func TestReadBetween(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	base := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	topic := timed(t, b, base)
	at := func(minutes int) time.Time { return base.Add(time.Duration(minutes) * time.Minute) }
	for _, tt := range []struct {
		name string
		o    broker.ReadOptions
		want []string
	}{
		{"to the end", broker.ReadOptions{UntilEnd: true}, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{"since", broker.ReadOptions{Since: at(7), UntilEnd: true}, []string{"7", "8", "9"}},
		{"since between two", broker.ReadOptions{Since: at(7).Add(time.Microsecond), UntilEnd: true}, []string{"8", "9"}},
		{"until", broker.ReadOptions{Until: at(2)}, []string{"0", "1", "2"}},
		{"since and until", broker.ReadOptions{Since: at(3), Until: at(4).Add(time.Second)}, []string{"3", "4"}},
		{"since wins over start", broker.ReadOptions{Start: broker.StartLatest, Since: at(9), UntilEnd: true}, []string{"9"}},
		{"latest to the end", broker.ReadOptions{Start: broker.StartLatest, UntilEnd: true}, nil},
		{"since the future", broker.ReadOptions{Since: at(600), UntilEnd: true}, nil},
	} {
		tt.o.Topics = []string{topic}
		if d := cmp.Diff(tt.want, read(t, b, tt.o)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestReadManyPartitions(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	one, two, empty := newTopic(t, b, 5), newTopic(t, b, 2), newTopic(t, b, 3)
	produce(t, b.Sends(), append(keyed(one, 500, 20), keyed(two, 50, 20)...)...)
	if n := len(read(t, b, broker.ReadOptions{Topics: []string{one, two, empty}, UntilEnd: true})); n != 550 {
		t.Errorf("%d records, want 550", n)
	}
}

func TestReadFollows(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	produce(t, b.Sends(), keyed(topic, 3, 1)...)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	n := 0
	for _, err := range b.Read(ctx, broker.ReadOptions{Topics: []string{topic}}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		switch n++; n {
		case 3:
			produce(t, b.Sends(), keyed(topic, 2, 1)...)
		case 5:
			cancel()
		}
	}
	if n != 5 {
		t.Errorf("%d records, want 5", n)
	}
}

func TestReadLeavesOutAbortedMessagesAndStillEnds(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	produce(t, b.Sends(), keyed(topic, 3, 1)...)
	abort(t, topic)
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Handle: got.handle})
	if d := cmp.Diff([]string{"0", "1", "2"}, read(t, b, broker.ReadOptions{Topics: []string{topic}, UntilEnd: true})); d != "" {
		t.Error(d)
	}
	produce(t, b.Sends(), keyed(topic, 1, 1)...)
	got.wait(t, 4)
	wantInOrder(t, map[string][]string{"first": got.keys()["key-0"][:3]}, 3)
}

func abort(t *testing.T, topic string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(testservers.KafkaFor(t).Brokers...), kgo.TransactionalID(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	err = errors.Join(cl.BeginTransaction(),
		cl.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: []byte("aborted")}).FirstErr(),
		cl.EndTransaction(within(t), kgo.TryAbort))
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadOfAMissingTopic(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	for _, err := range b.Read(within(t), broker.ReadOptions{Topics: []string{testservers.Unique(t, "missing")}}) {
		if !errors.Is(err, broker.ErrNoTopic) {
			t.Errorf("got %v, want ErrNoTopic", err)
		}
	}
}

// A server that answers pings and is slow to answer fetches has not said that nothing is left.
func TestReadWaitsForASlowServer(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	produce(t, b.Sends(), keyed("t", 10, 10)...)
	slow := make(chan struct{})
	time.AfterFunc(5*time.Second, func() { close(slow) })
	c.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-slow })
		return nil, nil, false
	})
	if got := read(t, b, broker.ReadOptions{Topics: []string{"t"}, UntilEnd: true}); len(got) != 10 {
		t.Errorf("read %d messages, want 10", len(got))
	}
}

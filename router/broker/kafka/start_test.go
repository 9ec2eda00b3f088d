package kafka_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

func TestLatestBeginsNowAndOnlyOnce(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 4), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 100, 10)...)
	var got seen
	sub := broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.handle}
	m := joinReady(t, b, group, sub)
	if n := committed(t, outsider(t), group, topic); n != 100 {
		t.Errorf("the start is committed as %d, want 100", n)
	}
	produce(t, b.Sends(), keyed(topic, 10, 10)...)
	got.wait(t, 10)
	leave(t, m)
	produce(t, b.Sends(), keyed(topic, 10, 10)...)
	joinReady(t, b, group, sub)
	got.wait(t, 20)
	if n := got.count(); n != 20 {
		t.Errorf("%d records, want 20", n)
	}
}

func TestMembersThatBeginTogetherBeginAtTheEnd(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.AutoOffsetReset = "latest" })
	topic, group := newTopic(t, b, 4), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 400, 40)...)
	var got seen
	sub := broker.Subscription{Topic: topic, Handle: got.handle}
	members := []broker.Member{join(t, b, group, sub), join(t, b, group, sub), join(t, b, group, sub)}
	for _, m := range members {
		eventually(t, "ready", m.Ready)
	}
	produce(t, b.Sends(), keyed(topic, 40, 40)...)
	got.wait(t, 40)
	if n := got.count(); n != 40 {
		t.Errorf("%d records, want the 40 that are new", n)
	}
}

func TestNewPartitionsAreReadFromTheirBeginning(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 10, 1)...)
	var got, heard seen
	joinReady(t, b, group, broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.handle})
	listen(t, b, broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: heard.handle})
	if _, err := outsider(t).UpdatePartitions(within(t), 3, topic); err != nil {
		t.Fatal(err)
	}
	produceTo(t, topic, 2, "early")
	got.wait(t, 1)
	heard.wait(t, 1)
	for _, s := range []*seen{&got, &heard} {
		if d := cmp.Diff(map[string][]string{"": {"early"}}, s.keys()); d != "" {
			t.Error(d)
		}
	}
}

// produceTo writes to a partition as a foreign producer.
func produceTo(t *testing.T, topic string, partition int32, values ...string) {
	t.Helper()
	cl := foreignProducer(t)
	defer cl.Close()
	for _, v := range values {
		eventually(t, "produced", func() bool {
			return cl.ProduceSync(within(t), &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}).FirstErr() == nil
		})
	}
}

// foreignProducer chooses partitions itself. It looks often for new ones: it refuses a partition that it does not know
// and does not look for that reason.
func foreignProducer(t *testing.T, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts := append([]kgo.Opt{
		kgo.SeedBrokers(testservers.KafkaFor(t).Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(500 * time.Millisecond),
	}, more...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestNoneNeedsAPosition(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]broker.Start{"by option": broker.StartNone, "by setting": broker.StartDefault} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noneNeedsAPosition(t, start)
		})
	}
}

func noneNeedsAPosition(t *testing.T, start broker.Start) {
	t.Helper()
	b := newBroker(t, func(c *settings.Kafka) {
		if start == broker.StartDefault {
			c.AutoOffsetReset = "none"
		}
	})
	topic, group := newTopic(t, b, 2), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 10, 10)...)
	var got seen
	sub := broker.Subscription{Topic: topic, Start: start, Handle: got.handle}
	m := join(t, b, group, sub)
	wantNoStart(t, m)
	leave(t, m)
	commitAs(t, group, topic, map[int32]int64{0: 0, 1: 0}, "somebody's metadata")
	joinReady(t, b, group, sub)
	got.wait(t, 10)
}

// With none a group goes on where it was, or not at all.
func TestNoneNeedsAPositionThatMeansSomething(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, group, topic string){
		"below the log's start": func(t *testing.T, group, topic string) {
			t.Helper()
			commitAs(t, group, topic, map[int32]int64{0: 2}, "")
			deleteBefore(t, topic, 6)
		},
		"above the end": func(t *testing.T, group, topic string) {
			t.Helper()
			commitAs(t, group, topic, map[int32]int64{0: 11}, "")
		},
		"of an earlier topic of that name": func(t *testing.T, group, topic string) {
			t.Helper()
			b := newBroker(t)
			other := newTopic(t, b, 1)
			produce(t, b.Sends(), keyed(other, 5, 1)...)
			leaveAfter(t, b, group, other, 5)
			os, err := outsider(t).FetchOffsets(within(t), group)
			if err != nil {
				t.Fatal(err)
			}
			commitAs(t, group, topic, map[int32]int64{0: 5}, os[other][0].Metadata)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
			produce(t, b.Sends(), keyed(topic, 10, 1)...)
			spoil(t, group, topic)
			wantNoStart(t, join(t, b, group, broker.Subscription{Topic: topic, Start: broker.StartNone, Handle: unwanted(t)}))
		})
	}
}

func TestNoneEndsAMemberWhoseTopicIsCreatedAgain(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	commitAs(t, group, topic, map[int32]int64{0: 0}, "")
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Start: broker.StartNone, Handle: unwanted(t)})
	recreate(t, b, topic, 1)
	produceTo(t, topic, 0, "new")
	wantNoStart(t, m)
}

func wantNoStart(t *testing.T, m broker.Member) {
	t.Helper()
	select {
	case err := <-m.Failed():
		if !errors.Is(err, broker.ErrNoStart) {
			t.Errorf("got %v, want ErrNoStart", err)
		}
	case <-within(t).Done():
		t.Error("the member goes on")
	}
}

// unwanted is for messages that must not come.
func unwanted(t *testing.T) func(broker.Delivery) {
	t.Helper()
	return func(d broker.Delivery) {
		t.Errorf("offset %s comes", d.Record().Offset)
		d.Done()
	}
}

func commitAs(t *testing.T, group, topic string, at map[int32]int64, metadata string) {
	t.Helper()
	os := kadm.Offsets{}
	for id, n := range at {
		os.Add(kadm.Offset{Topic: topic, Partition: id, At: n, LeaderEpoch: -1, Metadata: metadata})
	}
	if err := outsider(t).CommitAllOffsets(within(t), group, os); err != nil {
		t.Fatal(err)
	}
}

func TestDeletedMessagesAreSkipped(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 10, 1)...)
	commitAs(t, group, topic, map[int32]int64{0: 2}, "")
	deleteBefore(t, topic, 6)
	var got seen
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, 4)
	if d := cmp.Diff(map[string][]string{"key-0": {"6", "7", "8", "9"}}, got.keys()); d != "" {
		t.Error(d)
	}
}

func deleteBefore(t *testing.T, topic string, at int64) {
	t.Helper()
	os := kadm.Offsets{}
	os.AddOffset(topic, 0, at, -1)
	if _, err := outsider(t).DeleteRecords(within(t), os); err != nil {
		t.Fatal(err)
	}
}

func TestARecreatedTopicIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic, group := newTopic(t, b, 2), testservers.Unique(t, "g")
	produce(t, b.Sends(), keyed(topic, 100, 10)...)
	var got seen
	joinReady(t, b, group, broker.Subscription{Topic: topic, Start: broker.StartLatest, Handle: got.handle})
	produce(t, b.Sends(), keyed(topic, 10, 10)...)
	got.wait(t, 10)
	recreate(t, b, topic, 2)
	for i := range 20 {
		produceTo(t, topic, int32(i%2), "new-"+strconv.Itoa(i))
	}
	eventually(t, "the new topic's messages", func() bool { return len(got.keys()[""]) >= 20 })
	if n := len(got.keys()[""]); n != 20 {
		t.Errorf("%d messages, want 20", n)
	}
	eventually(t, "publishing to the new topic", func() bool {
		return produceOne(t, b.Sends(), &broker.Record{Topic: topic, Value: []byte("v")}) == nil
	})
}

func recreate(t *testing.T, b *kafka.Broker, topic string, partitions int32) {
	t.Helper()
	if _, err := outsider(t).DeleteTopic(within(t), topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, "topic gone", func() bool {
		_, err := outsider(t).CreateTopic(within(t), partitions, 1, nil, topic)
		return err == nil
	})
	create(t, b, broker.TopicConfig{Name: topic})
}

func TestACommitOfAnotherTopicMeansNothing(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.EnableAutoCommit = false })
	topic, other, group := newTopic(t, b, 1), newTopic(t, b, 1), testservers.Unique(t, "g")
	produce(t, b.Sends(), append(keyed(topic, 10, 1), keyed(other, 10, 1)...)...)
	var got seen
	leaveAfter(t, b, group, other, 10)
	os, err := outsider(t).FetchOffsets(within(t), group)
	if err != nil {
		t.Fatal(err)
	}
	commitAs(t, group, topic, map[int32]int64{0: 10}, os[other][0].Metadata)
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, 10)
}

// leaveAfter reads n records of a topic as a group.
func leaveAfter(t *testing.T, b *kafka.Broker, group, topic string, n int) {
	t.Helper()
	var got seen
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, n)
	leave(t, m)
}

func TestAMissingTopicIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	there, missing := newTopic(t, b, 1), testservers.Unique(t, "later")
	var got seen
	m, err := b.Join(within(t), broker.Group{Name: testservers.Unique(t, "g"), Subscriptions: []broker.Subscription{
		{Topic: there, Handle: got.handle}, {Topic: missing, Handle: got.handle},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave(t, m)
	produce(t, b.Sends(), keyed(there, 10, 1)...)
	got.wait(t, 10)
	create(t, b, broker.TopicConfig{Name: missing, Partitions: 1})
	eventually(t, "ready", m.Ready)
	produce(t, b.Sends(), keyed(missing, 10, 1)...)
	got.wait(t, 20)
}

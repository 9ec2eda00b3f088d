package kafka_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Another producer aborts transactions: what it took back never comes, and the commits step over the holes.
func TestCommitsStepOverAbortedTransactions(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.EnableAutoCommit = false })
	topic, group := newTopic(t, b, 1), testservers.Unique(t, "g")
	var want []string
	cl := foreignProducer(t, kgo.TransactionalID(topic))
	defer cl.Close()
	for i := range 20 {
		value := strconv.Itoa(i)
		transact(t, cl, topic, value, kgo.TransactionEndTry(i%2 == 0))
		if i%2 == 0 {
			want = append(want, value, value+" too")
		}
	}
	var got, again seen
	m := joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, len(want))
	// Ten records of the aborted and a marker of each transaction lie among the committed ones.
	last := int64(len(want) + 2*9 + 18)
	eventually(t, "the end is committed", func() bool { return committed(t, outsider(t), group, topic) >= last })
	leave(t, m)
	transact(t, cl, topic, "last", kgo.TryCommit)
	joinReady(t, b, group, broker.Subscription{Topic: topic, Handle: again.handle})
	again.wait(t, 2)
	if d := cmp.Diff(want, got.keys()[""]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"last", "last too"}, again.keys()[""]); d != "" {
		t.Error(d)
	}
}

// A service that says so gets what was taken back, too, and at once.
func TestReadUncommittedTakesWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.IsolationLevel = "read_uncommitted" })
	topic := newTopic(t, b, 1)
	cl := foreignProducer(t, kgo.TransactionalID(topic))
	defer cl.Close()
	transact(t, cl, topic, "aborted", kgo.TryAbort)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	want := []string{"aborted", "aborted too", "open"}
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, len(want))
	if d := cmp.Diff(want, got.keys()[""]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, read(t, b, broker.ReadOptions{Topics: []string{topic}, UntilEnd: true})); d != "" {
		t.Error(d)
	}
	if err := cl.EndTransaction(within(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

// transact writes two records in a transaction and ends it.
func transact(t *testing.T, cl *kgo.Client, topic, value string, end kgo.TransactionEndTry) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	rs := []*kgo.Record{{Topic: topic, Value: []byte(value)}, {Topic: topic, Value: []byte(value + " too")}}
	if err := cl.ProduceSync(within(t), rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(within(t), end); err != nil {
		t.Fatal(err)
	}
}

package kafka_test

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

func TestRecordsArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 1)
	at := time.UnixMilli(1_700_000_000_123)
	sent := []*broker.Record{
		{Topic: topic, Key: []byte("k"), Value: []byte("v"), ID: "id-1", Time: at, Headers: broker.Headers{
			{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte("3")}, {Key: "empty", Value: []byte{}}, {Key: "nil"},
		}},
		{Topic: topic, Key: nil, Value: nil, Time: at},
		{Topic: topic, Key: []byte{}, Value: []byte{}, Time: at},
		{Topic: topic, Key: []byte{0xff, 0}, Value: []byte{0, 0xc3, 0x28, 0xff}, Time: at},
	}
	receipts := produce(t, b.Sends(), sent...)
	var got seen
	joinReady(t, b, testservers.Unique(t, "g"), broker.Subscription{Topic: topic, Handle: got.handle})
	got.wait(t, len(sent))
	all := got.all()
	slices.SortFunc(all, func(a, b *broker.Record) int { return strings.Compare(a.Offset, b.Offset) })
	opts := cmp.Options{cmpopts.IgnoreFields(broker.Record{}, "Partition", "Offset"), cmpopts.EquateApproxTime(0)}
	if d := cmp.Diff(sent, all, opts); d != "" {
		t.Error(d)
	}
	for i, r := range all {
		if r.Offset != strconv.Itoa(i) || receipts[i].Offset != r.Offset || receipts[i].Topic != topic || !receipts[i].Time.Equal(at) {
			t.Errorf("record %d: offset %s, receipt %+v", i, r.Offset, receipts[i])
		}
	}
}

func TestKeysGoWhereTheContractSays(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	const partitions = 7
	topic := newTopic(t, b, partitions)
	rs := keyed(topic, 100, 100)
	rs = append(rs, &broker.Record{Topic: topic, Key: []byte{}, Value: []byte("x")}, &broker.Record{Topic: topic, Key: []byte("grüße, 世界"), Value: []byte("x")})
	for i, r := range produce(t, b.Outputs(), rs...) {
		if want := broker.PartitionOf(rs[i].Key, partitions); r.Partition != want {
			t.Errorf("key %q went to %d, want %d", rs[i].Key, r.Partition, want)
		}
	}
}

// The vectors are those of Kafka's own UtilsTest.
func TestHashIsKafkas(t *testing.T) {
	t.Parallel()
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		const n = 1 << 30
		if got, want := broker.PartitionOf([]byte(key), n), (hash&0x7fffffff)%n; got != want {
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	b := newBroker(t, func(c *settings.Kafka) { c.MaxMessageBytes = 100 << 10 })
	topic := newTopic(t, b, 1)
	dead := topic + ".dlq"
	create(t, b, broker.TopicConfig{Name: dead, Partitions: 1, Retention: -1, ExtraBytes: 64 << 10})
	record := func(topic string, n int) *broker.Record {
		return &broker.Record{Topic: topic, Key: []byte("k"), Value: bytes.Repeat([]byte{'x'}, n)}
	}
	for _, tt := range []struct {
		name string
		r    *broker.Record
		fits bool
	}{
		{"small", record(topic, 20<<10), true},
		{"just below", record(topic, 100<<10-80), true},
		{"just above", record(topic, 100<<10-60), false},
		{"dead letters may be larger", record(dead, 160<<10), true},
		{"but not without limit", record(dead, 165<<10), false},
	} {
		for name, p := range map[string]broker.Producer{"sends": b.Sends(), "outputs": b.Outputs()} {
			checked := p.Check(tt.r)
			err := produceOne(t, p, tt.r)
			if fits := err == nil; fits != tt.fits || (checked == nil) != tt.fits {
				t.Errorf("%s, %s: check %v, produced %v", tt.name, name, checked, err)
			}
			if !tt.fits && (!errors.Is(err, broker.ErrTooLarge) || !errors.Is(checked, broker.ErrTooLarge)) {
				t.Errorf("%s, %s: want ErrTooLarge, got %v and %v", tt.name, name, checked, err)
			}
		}
	}
}

func produceOne(t *testing.T, p broker.Producer, r *broker.Record) error {
	t.Helper()
	done := make(chan error, 1)
	p.Produce(within(t), r, func(_ broker.Receipt, err error) { done <- err })
	return <-done
}

func TestPublishToAMissingTopic(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	err := produceOne(t, b.Sends(), &broker.Record{Topic: testservers.Unique(t, "missing"), Value: []byte("v")})
	if !errors.Is(err, broker.ErrNoTopic) {
		t.Errorf("got %v, want ErrNoTopic", err)
	}
}

func TestTopicsAreCreatedOnce(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	event, state, dead := testservers.Unique(t, "event"), testservers.Unique(t, "state"), testservers.Unique(t, "dead")
	create(t, b, broker.TopicConfig{Name: event, Kind: topics.KindEvent, Partitions: 3, Retention: time.Hour})
	create(t, b, broker.TopicConfig{Name: event, Kind: topics.KindEvent, Partitions: 9, Retention: time.Minute})
	create(t, b, broker.TopicConfig{Name: state, Kind: topics.KindState})
	create(t, b, broker.TopicConfig{Name: dead, Retention: -1, ExtraBytes: 64 << 10})
	infos, err := b.Topics(within(t))
	if err != nil {
		t.Fatal(err)
	}
	partitions := map[string]int{}
	for _, i := range infos {
		partitions[i.Name] = i.Partitions
	}
	if partitions[event] != 3 || partitions[state] != 5 || partitions[dead] != 5 {
		t.Errorf("partitions: %v, want 3 and the default of 5", partitions)
	}
	wantConfig(t, event, "retention.ms", "3600000")
	wantConfig(t, state, "cleanup.policy", "compact")
	wantConfig(t, dead, "retention.ms", "-1")
	wantConfig(t, dead, "max.message.bytes", strconv.Itoa(1<<20+64<<10))
}

func wantConfig(t *testing.T, topic, key, want string) {
	t.Helper()
	rcs, err := outsider(t).DescribeTopicConfigs(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rcs[0].Configs {
		if c.Key == key && c.MaybeValue() != want {
			t.Errorf("%s of %s is %s, want %s", key, topic, c.MaybeValue(), want)
		}
	}
}

package brokertest

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/router/broker"
)

var recordCases = []testCase{
	{name: "tombstones and empty values are told apart", run: tombstones},
	{name: "no key and an empty key are no key", run: emptyKeys},
	{name: "keys, values and headers may be any bytes", run: anyBytes},
	{name: "headers keep their order and repeats", run: headers},
	{name: "ids travel with messages", run: ids},
	{name: "a message of a foreign producer needs no id", run: foreign},
	{name: "timestamps are kept to the millisecond", run: timestamps},
	{name: "a message without a time gets that of its publishing", run: timestampNow},
	{name: "a value of a million bytes", run: million},
	{name: "a key keeps its partition", run: samePartition},
}

// roundTrip publishes records to a partition and returns them as a handler gets them. Reading
// without a group must give the same.
func roundTrip(b *bench, rs ...*broker.Record) []*broker.Record {
	b.Helper()
	in, topic := b.stage(1)
	for _, r := range rs {
		r.Topic = topic
	}
	in.oneByOne(rs...)
	var got seen
	in.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.wait(b, len(rs))
	byPlace := cmpopts.SortSlices(func(x, y *broker.Record) bool { return x.Offset < y.Offset })
	if diff := cmp.Diff(got.all(), in.read(topic), byPlace, cmpopts.EquateApproxTime(time.Millisecond), cmp.Comparer(sameBytes)); diff != "" {
		b.Errorf("a group and a reader without one see different records: %s", diff)
	}
	return got.all()
}

// sameBytes tells nil from empty, and is fast for a million bytes.
func sameBytes(x, y []byte) bool { return (x == nil) == (y == nil) && bytes.Equal(x, y) }

func tombstones(b *bench) {
	rs := texts("", "k1", "k2", "k3")
	rs[0].Value, rs[1].Value = nil, []byte{}
	got := roundTrip(b, rs...)
	for i, want := range [][]byte{nil, {}, []byte("k3")} {
		if diff := cmp.Diff(want, got[i].Value); diff != "" {
			b.Errorf("value %d: %s", i, diff)
		}
	}
}

func emptyKeys(b *bench) {
	rs := []*broker.Record{record("", "", "none"), record("", "", "empty")}
	rs[1].Key = []byte{}
	got := roundTrip(b, rs...)
	if got[0].Key != nil || len(got[1].Key) != 0 {
		b.Errorf("keys are %#v and %#v, want nil and nil or empty", got[0].Key, got[1].Key)
	}
}

func anyBytes(b *bench) {
	wild := make([]byte, 256)
	for i := range wild {
		wild[i] = byte(i)
	}
	r := &broker.Record{Key: wild, Value: wild, ID: "id", Headers: broker.Headers{
		{Key: "wild", Value: wild}, {Key: "ünïcode ☃", Value: []byte("☃")},
	}}
	got := roundTrip(b, r)[0]
	if !bytes.Equal(got.Key, wild) || !bytes.Equal(got.Value, wild) {
		b.Errorf("key is %q, value %q", got.Key, got.Value)
	}
	if diff := cmp.Diff(r.Headers, got.Headers); diff != "" {
		b.Error(diff)
	}
}

func headers(b *bench) {
	var rs []*broker.Record
	for i, hs := range []broker.Headers{
		{{Key: "z", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "z", Value: []byte("3")}, {Key: "z", Value: []byte("1")}},
		{{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte{}}},
		nil,
	} {
		r := record("", "k", strconv.Itoa(i))
		r.Headers = hs
		rs = append(rs, r)
	}
	for i, r := range roundTrip(b, rs...) {
		if diff := cmp.Diff(rs[i].Headers, r.Headers, cmpopts.EquateEmpty()); diff != "" {
			b.Errorf("message %d: %s", i, diff)
		}
	}
}

func ids(b *bench) {
	rs := texts("", "k1", "k2")
	for i, r := range roundTrip(b, rs...) {
		if r.ID != rs[i].ID || len(r.Headers) != 0 {
			b.Errorf("id is %q with headers %v, want %q and none", r.ID, r.Headers, rs[i].ID)
		}
	}
}

func foreign(b *bench) {
	r := record("", "k", "v")
	r.ID = ""
	if got := roundTrip(b, r)[0]; got.ID != "" || string(got.Value) != "v" {
		b.Errorf("id is %q, value %q", got.ID, got.Value)
	}
}

func timestamps(b *bench) {
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	r := record("", "k", "v")
	r.Time = at
	if got := roundTrip(b, r)[0]; !got.Time.Equal(at) {
		b.Errorf("time is %v, want %v", got.Time, at)
	}
}

func timestampNow(b *bench) {
	if got := roundTrip(b, record("", "k", "v"))[0]; time.Since(got.Time).Abs() > time.Minute {
		b.Errorf("time is %v, now it is %v", got.Time, time.Now())
	}
}

func million(b *bench) {
	r := record("", "k", "")
	r.Value = make([]byte, 1_000_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(r.Value)
	if got := roundTrip(b, r)[0]; !bytes.Equal(got.Value, r.Value) {
		b.Errorf("%d other bytes came", len(got.Value))
	}
}

func samePartition(b *bench) {
	const n = 12
	in := b.instance()
	topic := b.topic(in, n)
	info, _ := in.topic(topic)
	count := max(info.Partitions, 1)
	rs := numbered(topic, 3*n, n, 1)
	for i, rc := range in.publish(rs...) {
		if want := broker.PartitionOf(rs[i].Key, count); rc.Partition != want {
			b.Errorf("%s went to partition %d of %d, want %d", rs[i].Key, rc.Partition, count, want)
		}
	}
}

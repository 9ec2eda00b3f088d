package brokertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/router/broker"
)

var produceCases = []testCase{
	{name: "a receipt says where a message went", run: receipts},
	{name: "messages published without waiting keep their order per key", run: func(b *bench) {
		orderOf(b, func(in *instance) broker.Producer { return in.Sends() })
	}},
	{name: "outputs keep their order per key", run: func(b *bench) {
		orderOf(b, func(in *instance) broker.Producer { return in.Outputs() })
	}},
	{name: "messages published together keep their order, each with its own receipt", run: producedTogether},
	{name: "of messages published together one that is too large fails alone", run: togetherTooLarge},
	{name: "a message that its caller writes itself is written once, in order", run: direct},
	{name: "a record is left as it is, and may change once its outcome was told", run: reused},
	{name: "Flush waits until everything is acknowledged", run: flushWaits},
	{name: "a message that is too large is refused by Check", run: tooLargeCheck},
	{name: "a message that is too large fails alone", run: tooLargeAlone},
	{name: "a caller that gives up fails nobody else's publish", run: givesUp},
	{name: "publishing while consuming", run: both},
}

func receipts(b *bench) {
	in, topic := b.stage(partitions)
	rs := numbered(topic, 12, 12, 1)
	before := time.Now()
	rcs := in.publish(rs...)
	place := map[string]broker.Receipt{}
	for i, rc := range rcs {
		place[rs[i].ID] = rc
		if rc.Topic != topic || rc.Offset == "" || rc.Time.Sub(before).Abs() > time.Minute {
			b.Errorf("receipt is %+v", rc)
		}
	}
	var got seen
	in.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.wait(b, len(rs))
	for _, r := range got.all() {
		if rc := place[r.ID]; r.Partition != rc.Partition || r.Offset != rc.Offset {
			b.Errorf("the receipt says partition %d, offset %s, the message is in %d at %s", rc.Partition, rc.Offset, r.Partition, r.Offset)
		}
	}
}

func orderOf(b *bench, producer func(*instance) broker.Producer) {
	b.Helper()
	const n, keys = 1000, 10
	in, topic := b.stage(partitions)
	_, errs := in.try(b.within(), producer(in), numbered(topic, n, keys, 1)...)
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	got := byKey(in.read(topic))
	for key, vs := range counted(keys, n/keys) {
		if diff := cmp.Diff(vs, compact(got[key])); diff != "" { // a lost connection may repeat some
			b.Errorf("%s: %s", key, diff)
		}
	}
}

func flushWaits(b *bench) {
	const n = 200
	in, topic := b.stage(partitions)
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		var acknowledged atomic.Int32
		for _, r := range numbered(topic, n, 10, 1) {
			p.Produce(b.within(), r, func(_ broker.Receipt, err error) {
				if err == nil {
					acknowledged.Add(1)
				}
			})
		}
		if err := p.Flush(b.within()); err != nil {
			b.Fatal(err)
		}
		if got := acknowledged.Load(); got != n {
			b.Errorf("%d of %d messages were acknowledged after Flush", got, n)
		}
	}
	if got := len(in.read(topic)); got < 2*n { // a lost connection may repeat some
		b.Errorf("%d of %d messages are there after Flush", got, 2*n)
	}
}

// largest is how large messages are made to find the limit.
const largest = 64 << 20

// tooLarge returns a message that the broker refuses.
func tooLarge(b *bench, in *instance, topic string) *broker.Record {
	b.Helper()
	for size := 1 << 20; size <= largest; size *= 4 {
		r := record(topic, "k", "")
		r.Value = make([]byte, size)
		if in.Sends().Check(r) != nil {
			return r
		}
	}
	b.Fatalf("%d MiB are not too large: declare that with brokertest.NotFor", largest>>20)
	panic("unreachable")
}

func tooLargeCheck(b *bench) {
	in, topic := b.stage(1)
	r := tooLarge(b, in, topic)
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		if err := p.Check(r); !errors.Is(err, broker.ErrTooLarge) {
			b.Errorf("check: %v, want ErrTooLarge", err)
		}
		if err := p.Check(record(topic, "k", "small")); err != nil {
			b.Errorf("check of a small message: %v", err)
		}
	}
}

func tooLargeAlone(b *bench) {
	in, topic := b.stage(1)
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		_, errs := in.try(b.within(), p, record(topic, "k", "1"), tooLarge(b, in, topic), record(topic, "k", "2"))
		b.secondTooLarge(errs)
	}
	if diff := cmp.Diff([]string{"1", "2", "1", "2"}, values(in.read(topic))); diff != "" {
		b.Error(diff)
	}
}

func (b *bench) secondTooLarge(errs []error) {
	b.Helper()
	if errs[0] != nil || !errors.Is(errs[1], broker.ErrTooLarge) || errs[2] != nil {
		b.Errorf("publish: %v, want ErrTooLarge for the second alone", errs)
	}
}

func togetherTooLarge(b *bench) {
	in, topic := b.stage(1)
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		_, errs := in.tryTogether(p, record(topic, "k", "1"), tooLarge(b, in, topic), record(topic, "k", "2"))
		b.secondTooLarge(errs)
	}
	if diff := cmp.Diff([]string{"1", "2", "1", "2"}, values(in.read(topic))); diff != "" {
		b.Error(diff)
	}
}

// tryTogether hands records over at once, where the producer can do that.
func (in *instance) tryTogether(p broker.Producer, rs ...*broker.Record) ([]broker.Receipt, []error) {
	in.b.Helper()
	all, ok := p.(broker.BatchProducer)
	if !ok {
		return in.try(in.b.within(), p, rs...)
	}
	type outcome struct {
		i   int
		rc  broker.Receipt
		err error
	}
	outcomes := make(chan outcome, 2*len(rs))
	all.ProduceAll(in.b.within(), rs, func(i int, rc broker.Receipt, err error) { outcomes <- outcome{i, rc, err} })
	receipts, errs, told := make([]broker.Receipt, len(rs)), make([]error, len(rs)), make([]bool, len(rs))
	for range rs {
		o := receive(in.b, "the receipt of a record", outcomes)
		if told[o.i] {
			in.b.Errorf("the outcome of record %d was told again: %v", o.i, o.err)
		}
		receipts[o.i], errs[o.i], told[o.i] = o.rc, o.err, true
	}
	return receipts, errs
}

func producedTogether(b *bench) {
	const n, keys = 200, 10
	in, topic := b.stage(partitions)
	for i, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		rs := numbered(topic, n, keys, 1+i*n/keys)
		receipts, errs := in.tryTogether(p, rs...)
		if err := errors.Join(errs...); err != nil {
			b.Fatalf("publish: %v", err)
		}
		b.written(in, topic, rs, receipts)
	}
	got := byKey(in.read(topic))
	for key, vs := range counted(keys, 2*n/keys) {
		if diff := cmp.Diff(vs, compact(got[key])); diff != "" { // a lost connection may repeat some
			b.Errorf("%s: %s", key, diff)
		}
	}
}

// written looks for records where their receipts say that they are.
func (b *bench) written(in *instance, topic string, rs []*broker.Record, receipts []broker.Receipt) {
	b.Helper()
	ids := map[string]string{}
	for _, r := range in.read(topic) {
		ids[fmt.Sprint(r.Partition, " ", r.Offset)] = r.ID
	}
	for i, rc := range receipts {
		if at := fmt.Sprint(rc.Partition, " ", rc.Offset); rc.Topic != topic || ids[at] != rs[i].ID {
			b.Errorf("the receipt of message %d is %+v, where %q is, not %q", i, rc, ids[at], rs[i].ID)
		}
	}
}

func direct(b *bench) {
	const n = 20
	in, topic := b.stage(1)
	rs := numbered(topic, n, 1, 1)
	receipts := make([]broker.Receipt, n)
	for i, r := range rs {
		a := in.direct(r)
		receive(b, "the receipt", a.came)
		if a.err != nil {
			b.Fatal(a.err)
		}
		receipts[i] = a.receipt
	}
	b.written(in, topic, rs, receipts)
	if diff := cmp.Diff(counted(1, n), byKey(in.read(topic))); diff != "" {
		b.Error(diff)
	}
}

// direct has the caller write, where the producer and the moment allow it.
func (in *instance) direct(r *broker.Record) *answer {
	in.b.Helper()
	a := &answer{came: make(chan struct{})}
	p, ok := in.Sends().(broker.DirectProducer)
	if !ok || !p.ProduceDirect(in.b.within(), r, a.once(in.b, r)) {
		return in.b.produce(in.b.within(), in.Sends(), r)
	}
	return a
}

// reused has a caller that uses its memory again.
func reused(b *bench) {
	in, topic := b.stage(1)
	var want []*broker.Record
	for i, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		r := record(topic, "key", "value of "+strconv.Itoa(i))
		r.Headers = broker.Headers{{Key: "header", Value: []byte("of " + strconv.Itoa(i))}}
		before := clone(r)
		want = append(want, before)
		if _, errs := in.try(b.within(), p, r); errs[0] != nil {
			b.Fatal(errs[0])
		}
		if diff := cmp.Diff(before, r); diff != "" {
			b.Errorf("publishing changed the record: %s", diff)
		}
		for _, bytes := range [][]byte{r.Key, r.Value, r.Headers[0].Value} {
			clear(bytes)
		}
	}
	place := cmpopts.IgnoreFields(broker.Record{}, "Offset", "Time")
	if diff := cmp.Diff(want, in.read(topic), place); diff != "" {
		b.Error(diff)
	}
}

func clone(r *broker.Record) *broker.Record {
	c := *r
	c.Key, c.Value, c.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), r.Headers.Clone()
	return &c
}

func givesUp(b *bench) {
	const n = 100
	in, topic := b.stage(1)
	patient, as := b.within(), make([]*answer, n)
	for i, r := range numbered(topic, n, 2, 1) { // one key after the other
		ctx, cancel := context.WithCancel(patient)
		switch {
		case i%2 == 1:
			ctx = patient
		case i%4 == 0:
			cancel() // before it begins
		}
		as[i] = b.produce(ctx, in.Sends(), r)
		cancel()
	}
	var want []string
	for i, a := range as {
		receive(b, "an answer", a.came)
		if i%2 == 1 {
			want = append(want, strconv.Itoa(1+i/2))
			if a.err != nil {
				b.Errorf("a publish whose caller waited: %v", a.err)
			}
		}
	}
	b.passes(20 * time.Millisecond) // whoever minds has noticed by now
	for i := range 5 {
		if _, errs := in.try(patient, in.Sends(), record(topic, "after", strconv.Itoa(i))); errs[0] != nil {
			b.Errorf("a publish after others gave up: %v", errs[0])
		}
	}
	all := byKey(in.read(topic))
	if diff := cmp.Diff(want, all[keyName(1)]); diff != "" {
		b.Error(diff)
	}
	for i, a := range as {
		if v := strconv.Itoa(1 + i/2); errors.Is(a.err, context.Canceled) && slices.Contains(all[keyName(i%2)], v) {
			b.Errorf("%s of %s was written, and its caller was told that it gave up before", v, keyName(i%2))
		}
	}
}

// both publishes an output for each message, as a worker does, and finishes the message when
// that was acknowledged.
func both(b *bench) {
	const n, keys = 200, 10
	in, topic := b.stage(partitions)
	out := b.topic(in, partitions)
	var finished atomic.Int32
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		r := *d.Record()
		r.Topic = out
		in.Outputs().Produce(context.Background(), &r, func(_ broker.Receipt, err error) {
			if err == nil {
				finished.Add(1)
				d.Done()
			}
		})
		d.Release()
	}})
	in.publish(numbered(topic, n, keys, 1)...)
	b.until("all outputs are acknowledged", func() bool { return finished.Load() == n })
	got := byKey(in.read(out))
	for key, vs := range counted(keys, n/keys) {
		if !slices.Equal(vs, compact(got[key])) {
			b.Errorf("%s: outputs are %v", key, got[key])
		}
	}
}

// Package stocktest holds the tests that every backend over a stock adapter passes.
package stocktest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/leat-go/leat/router/broker"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// Option changes what [Run] expects.
type Option func(*bench)

// Repeats allows the subscriber to give a message again: that of sarama loses acknowledgements when its group
// rebalances, as it does while a slow server tells one partition after the other.
func Repeats() Option { return func(b *bench) { b.repeats = true } }

// Run runs the tests against the brokers that open makes: all on the same servers. A member
// that goes takes what it has not done away for at most a few seconds.
func Run(t *testing.T, open func(testing.TB) broker.Broker, opts ...Option) {
	t.Helper()
	tests := map[string]func(*testing.T, *bench){
		"keys are handled in order, records are whole": testOrder,
		"a parked message comes again":                 testPark,
		"a dead letter is a record like others":        testDeadLetter,
		"what is done does not come again":             testClose,
		"nil and empty values differ":                  testTombstone,
		"batches":                                      testBatch,
		"a group may begin at the end":                 testLatest,
		"a group may refuse to choose a beginning":     testNone,
		"everybody receives a broadcast":               testBroadcast,
		"closed":                                       testClosed,
		"typed worker":                                 testWorker,
		"members come and go":                          testSharing,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, open, opts))
		})
	}
}

// bench is a broker with a topic.
type bench struct {
	broker.Broker
	topic   string
	repeats bool // see Repeats
}

func newBench(t *testing.T, open func(testing.TB) broker.Broker, opts []Option) *bench {
	t.Helper()
	b := &bench{Broker: open(t), topic: "stock-" + uuid.NewString()}
	for _, o := range opts {
		o(b)
	}
	if err := b.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	b.create(t, b.topic)
	t.Cleanup(func() {
		if err := b.Close(within(t)); err != nil {
			t.Error(err)
		}
	})
	return b
}

// within returns a context for the test and its cleanups.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	return ctx
}

func (b *bench) create(t *testing.T, topic string) {
	t.Helper()
	if err := b.CreateTopics(within(t), broker.TopicConfig{Name: topic, Partitions: 3}); err != nil {
		t.Fatal(err)
	}
}

// publish writes records and returns when the broker has them.
func (b *bench) publish(t *testing.T, p broker.Producer, rs ...*broker.Record) []broker.Receipt {
	t.Helper()
	receipts := make([]broker.Receipt, len(rs))
	for i, r := range rs {
		p.Produce(t.Context(), r, func(rc broker.Receipt, err error) {
			if err != nil {
				t.Errorf("publish %s: %v", r.Value, err)
			}
			receipts[i] = rc
		})
	}
	if err := p.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	return receipts
}

func (b *bench) record(key, value string) *broker.Record {
	return &broker.Record{Topic: b.topic, Key: []byte(key), Value: []byte(value), ID: uuid.NewString()}
}

// join makes a member; it is closed at the end of the test.
func (b *bench) join(t *testing.T, g broker.Group) broker.Member {
	t.Helper()
	m, err := b.Join(within(t), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.leave(t, m) })
	poll(t, m.Ready)
	return m
}

func (b *bench) leave(t *testing.T, m broker.Member) {
	t.Helper()
	if err := m.Close(within(t)); err != nil {
		t.Error(err)
	}
}

func (b *bench) group(s broker.Subscription) broker.Group {
	s.Topic = b.topic
	return broker.Group{Name: "group", Subscriptions: []broker.Subscription{s}}
}

// poll waits until f.
func poll(t *testing.T, f func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := within(t); !f(); {
		select {
		case <-tick.C:
		case <-end.Done():
			t.Fatal("waited in vain")
		}
	}
}

// seen collects the records of attempts; each once where repeats are allowed.
type seen struct {
	repeats bool

	mu  sync.Mutex
	rs  []*broker.Record
	had map[string]bool
}

func (b *bench) seen() *seen { return &seen{repeats: b.repeats, had: map[string]bool{}} }

func (s *seen) add(d broker.Delivery) {
	attempt := fmt.Sprint(d.Record().ID, d.Attempt())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.had[attempt] && s.repeats {
		return
	}
	s.had[attempt] = true
	s.rs = append(s.rs, d.Record())
}

func (s *seen) all() []*broker.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*broker.Record(nil), s.rs...)
}

func (s *seen) values() (vs []string) {
	for _, r := range s.all() {
		vs = append(vs, string(r.Value))
	}
	return vs
}

func (s *seen) done(d broker.Delivery) { s.add(d); d.Done() }

func (s *seen) wait(t *testing.T, n int) {
	t.Helper()
	poll(t, func() bool { return len(s.all()) >= n })
}

func testOrder(t *testing.T, b *bench) {
	t.Helper()
	const keys, each = 5, 10
	var rs []*broker.Record
	for i := range keys * each {
		r := b.record(fmt.Sprint("key", i%keys), strconv.Itoa(i))
		r.Headers = broker.Headers{{Key: "z", Value: []byte("1")}, {Key: "a", Value: []byte{}}, {Key: "z", Value: []byte("2")}}
		rs = append(rs, r)
	}
	for i, rc := range b.publish(t, b.Sends(), rs...) {
		if rc.Topic != b.topic || rc.Offset == "" {
			t.Errorf("receipt of %d is %+v", i, rc)
		}
	}
	got := b.seen()
	b.join(t, b.group(broker.Subscription{Concurrency: 8, Handle: got.done}))
	got.wait(t, len(rs))
	byKey := func(rs []*broker.Record) map[string][]*broker.Record {
		m := map[string][]*broker.Record{}
		for _, r := range rs {
			m[string(r.Key)] = append(m[string(r.Key)], r)
		}
		return m
	}
	place := cmpopts.IgnoreFields(broker.Record{}, "Partition", "Offset", "Time")
	if diff := cmp.Diff(byKey(rs), byKey(got.all()), place); diff != "" {
		t.Error(diff)
	}
	for _, r := range got.all() {
		if r.Offset == "" || time.Since(r.Time).Abs() > time.Hour {
			t.Errorf("record %s is at offset %q, time %v", r.Value, r.Offset, r.Time)
		}
	}
}

func testPark(t *testing.T, b *bench) {
	t.Helper()
	const wait = 500 * time.Millisecond
	b.publish(t, b.Sends(), b.record("k", "1"), b.record("k", "2"))
	got := b.seen()
	var failed time.Time
	b.join(t, b.group(broker.Subscription{Handle: func(d broker.Delivery) {
		got.add(d)
		if string(d.Record().Value) == "2" || d.Attempt() == 2 {
			if early := wait - time.Since(failed); early > 0 || string(d.Record().Value) == "1" && !d.FirstFailed().Equal(failed) {
				t.Errorf("attempt %d of %s comes %v early", d.Attempt(), d.Record().Value, early)
			}
			d.Done()
			return
		}
		failed = time.Now()
		d.Park(2, failed.Add(wait), failed)
	}}))
	got.wait(t, 3)
	if diff := cmp.Diff([]string{"1", "1", "2"}, got.values()); diff != "" {
		t.Error(diff)
	}
}

func testDeadLetter(t *testing.T, b *bench) {
	t.Helper()
	dlq := b.topic + ".dlq"
	b.create(t, dlq)
	b.publish(t, b.Sends(), b.record("k", "bad"), b.record("k", "good"))
	got := b.seen()
	m := b.join(t, b.group(broker.Subscription{Handle: func(d broker.Delivery) {
		if string(d.Record().Value) == "good" {
			got.done(d)
			return
		}
		letter := *d.Record()
		letter.Topic, letter.Headers = dlq, append(letter.Headers, broker.Header{Key: "leat-error", Value: []byte("why")})
		d.Release()
		b.Outputs().Produce(context.Background(), &letter, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
			d.Done()
		})
	}}))
	got.wait(t, 1)
	b.leave(t, m)
	letters := b.read(t, dlq)
	if n := len(letters); n == 0 || n > 1 && !b.repeats {
		t.Fatalf("%d dead letters, want one", n)
	}
	want := broker.Headers{{Key: "leat-error", Value: []byte("why")}}
	if diff := cmp.Diff(want, letters[0].Headers); diff != "" || string(letters[0].Key) != "k" || string(letters[0].Value) != "bad" {
		t.Errorf("letter is %s: %s %s", letters[0].Key, letters[0].Value, diff)
	}
}

// read returns all that a topic has.
func (b *bench) read(t *testing.T, topic string) (rs []*broker.Record) {
	t.Helper()
	for r, err := range b.Read(within(t), broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

func testClose(t *testing.T, b *bench) {
	t.Helper()
	b.publish(t, b.Sends(), b.record("k", "1"), b.record("k", "2"), b.record("k", "3"))
	first := b.seen()
	m := b.join(t, b.group(broker.Subscription{Handle: func(d broker.Delivery) {
		first.add(d)
		if string(d.Record().Value) == "3" {
			d.Park(2, time.Now().Add(time.Hour), time.Now())
			return
		}
		d.Done()
	}}))
	first.wait(t, 3)
	b.leave(t, m)
	b.leave(t, m) // twice is no error
	b.publish(t, b.Sends(), b.record("k", "4"))
	second := b.seen()
	b.join(t, b.group(broker.Subscription{Handle: second.done}))
	second.wait(t, 2)
	if diff := cmp.Diff([]string{"3", "4"}, second.values(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
}

func testTombstone(t *testing.T, b *bench) {
	t.Helper()
	gone, empty, keyless := b.record("k", ""), b.record("k", ""), b.record("", "v")
	gone.Value, keyless.Key = nil, nil
	b.publish(t, b.Sends(), gone, empty)
	b.publish(t, b.Sends(), keyless)
	got := b.seen()
	b.join(t, b.group(broker.Subscription{Handle: got.done}))
	got.wait(t, 3)
	want := map[string][]byte{"k nil": nil, "k empty": {}, " v": []byte("v")}
	found := map[string][]byte{}
	for _, r := range got.all() {
		switch {
		case r.Key == nil:
			found[" v"] = r.Value
		case r.ID == gone.ID:
			found["k nil"] = r.Value
		default:
			found["k empty"] = r.Value
		}
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func testBatch(t *testing.T, b *bench) {
	t.Helper()
	b.publish(t, b.Sends(), b.record("k", "1"), b.record("k", "2"))
	got := b.seen()
	b.join(t, b.group(broker.Subscription{BatchSize: 10, BatchWait: 50 * time.Millisecond, HandleBatch: func(ds []broker.Delivery) {
		for _, d := range ds {
			got.done(d)
		}
	}}))
	got.wait(t, 2)
	if diff := cmp.Diff([]string{"1", "2"}, got.values()); diff != "" {
		t.Error(diff)
	}
}

func testLatest(t *testing.T, b *bench) {
	t.Helper()
	b.publish(t, b.Sends(), b.record("k", "old"))
	got := b.seen()
	b.join(t, b.group(broker.Subscription{Start: broker.StartLatest, Handle: got.done}))
	b.publish(t, b.Sends(), b.record("k", "new"))
	got.wait(t, 1)
	if diff := cmp.Diff([]string{"new"}, got.values()); diff != "" {
		t.Error(diff)
	}
}

func testNone(t *testing.T, b *bench) {
	t.Helper()
	_, err := b.Join(within(t), b.group(broker.Subscription{Start: broker.StartNone, Handle: func(broker.Delivery) {}}))
	if !errors.Is(err, broker.ErrNoStart) {
		t.Errorf("join: %v", err)
	}
}

func testBroadcast(t *testing.T, b *bench) {
	t.Helper()
	b.publish(t, b.Sends(), b.record("k", "old"))
	got := [2]*seen{b.seen(), b.seen()}
	for i := range got {
		g := b.group(broker.Subscription{Start: broker.StartLatest, Handle: got[i].done})
		g.Broadcast = true
		b.join(t, g)
	}
	b.publish(t, b.Sends(), b.record("k", "new"))
	for i := range got {
		got[i].wait(t, 1)
		if diff := cmp.Diff([]string{"new"}, got[i].values()); diff != "" {
			t.Error(diff)
		}
	}
}

func testClosed(t *testing.T, b *bench) {
	t.Helper()
	if err := b.Ping(within(t)); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := b.Close(within(t)); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		p.Produce(t.Context(), b.record("k", "v"), func(_ broker.Receipt, err error) {
			if !errors.Is(err, broker.ErrClosed) {
				t.Errorf("publish after close: %v", err)
			}
		})
	}
}

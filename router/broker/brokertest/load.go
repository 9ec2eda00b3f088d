package brokertest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

// loadCases find what goes wrong once in a thousand times.
var loadCases = []testCase{
	{name: "of ten thousand messages each comes once, unchanged and in order", run: manyMessages},
	{name: "members that come and go under load get each message once, in order", run: manyOwners},
	{name: "what is acknowledged can be read at once", run: thereAtOnce},
}

// sent is a message of a load: what was published, where it went, and whether its first attempt fails.
type sent struct {
	*broker.Record

	receipt broker.Receipt
	fails   bool
}

// load is what was published so far, by id and by key. Handlers read it while more is added.
type load struct {
	mu    sync.Mutex
	byID  map[string]*sent
	byKey map[string][]*sent
}

func newLoad() *load { return &load{byID: map[string]*sent{}, byKey: map[string][]*sent{}} }

func (l *load) get(id string) *sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *load) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byID)
}

// varied are messages of every sort over some keys: values, empty ones and tombstones, headers with repeats. The
// first attempt fails of every so many.
func (l *load) varied(topic string, n, keys, failing int) (rs []*broker.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		r := record(topic, keyName(i%keys), "value of "+strconv.Itoa(i))
		switch i % 17 {
		case 3:
			r.Value = nil
		case 5:
			r.Value = []byte{}
		}
		r.Headers = broker.Headers{
			{Key: "number", Value: []byte(strconv.Itoa(i))},
			{Key: "twice", Value: []byte("1")},
			{Key: "empty", Value: []byte{}},
			{Key: "twice", Value: []byte("2")},
		}
		s := &sent{Record: r, fails: i%failing == failing-1}
		l.byID[r.ID] = s
		l.byKey[string(r.Key)] = append(l.byKey[string(r.Key)], s)
		rs = append(rs, r)
	}
	return rs
}

// publish writes records, the keys in turns by one producer and the other, and keeps the receipts.
func (l *load) publish(b *bench, in *instance, rs ...*broker.Record) {
	b.Helper()
	as := make([]*answer, len(rs))
	for i, r := range rs {
		p := in.Sends()
		if len(r.Key)%2 == 0 {
			p = in.Outputs()
		}
		as[i] = b.produce(b.within(), p, r)
	}
	var err error
	for i, a := range as {
		receive(b, "the receipt of a record", a.came)
		l.get(rs[i].ID).receipt = a.receipt
		err = errors.Join(err, a.err)
	}
	if err != nil {
		b.Fatalf("publish: %v", err)
	}
}

// handler notes what it gets in all and fails as the load says; finished counts those that do not.
func (l *load) handler(all *seen, finished *atomic.Int64, work time.Duration) func(broker.Delivery) {
	return func(d broker.Delivery) {
		all.begin(d)
		<-time.After(work)
		all.end(d)
		if s := l.get(d.Record().ID); s != nil && s.fails && d.Attempt() == 1 {
			d.Park(2, time.Now().Add(10*time.Millisecond), time.Now())
			return
		}
		finished.Add(1)
		d.Done()
	}
}

// check judges what came: of each key everything in order, what failed twice in a row, and all as it was sent.
// Where a membership was lost, as it is by a process that stands still for longer than its lease, some may come
// again.
func (l *load) check(b *bench, all *seen, lost bool) {
	b.Helper()
	came := map[string][]string{}
	rs := all.all()
	for i, s := range all.list() {
		r := rs[i]
		came[string(r.Key)] = append(came[string(r.Key)], attemptName(r.ID, s.Attempt))
		l.same(b, r)
	}
	for key, ss := range l.byKey {
		var want []string
		for _, s := range ss {
			want = append(want, attemptName(s.ID, 1))
			if s.fails {
				want = append(want, attemptName(s.ID, 2))
			}
		}
		got := came[key]
		if lost {
			got = firsts(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.Errorf("%s: %s", key, diff)
		}
	}
	if _, ofKey := all.atOnce(); ofKey != 1 && !lost {
		b.Errorf("%d messages of one key were handled at once", ofKey)
	}
}

// firsts leaves out what came before.
func firsts(names []string) (fs []string) {
	had := map[string]bool{}
	for _, name := range names {
		if !had[name] {
			fs = append(fs, name)
		}
		had[name] = true
	}
	return fs
}

func attemptName(id string, attempt int) string { return fmt.Sprintf("%s attempt %d", id, attempt) }

// same compares what came with what was sent, and its place with that of the receipt.
func (l *load) same(b *bench, r *broker.Record) {
	b.Helper()
	s := l.get(r.ID)
	if s == nil {
		b.Errorf("a message with id %q came that nobody sent", r.ID)
		return
	}
	want := *s.Record
	want.Partition, want.Offset, want.Time = s.receipt.Partition, s.receipt.Offset, r.Time
	if sameRecord(&want, r) {
		return
	}
	if diff := cmp.Diff(&want, r, cmp.Comparer(sameBytes)); diff != "" {
		b.Errorf("a message is not as it was sent, or not where the receipt says: %s", diff)
	}
}

// sameRecord is what cmp.Diff says, for the many that are equal.
func sameRecord(x, y *broker.Record) bool {
	return x.Partition == y.Partition && x.Offset == y.Offset && x.Topic == y.Topic &&
		sameBytes(x.Key, y.Key) && sameBytes(x.Value, y.Value) &&
		slices.EqualFunc(x.Headers, y.Headers, func(a, b broker.Header) bool { return a.Key == b.Key && sameBytes(a.Value, b.Value) })
}

// manyMessages reads them with a group, and again without one.
func manyMessages(b *bench) {
	const n, keys, concurrency = 10_000, 100, 100
	in, topic := b.stage(partitions)
	l := newLoad()
	l.publish(b, in, l.varied(topic, n, keys, 50)...)
	var all seen
	var finished atomic.Int64
	var held memberships
	handle := l.handler(&all, &finished, 100*time.Microsecond)
	in.join(broker.Subscription{Topic: topic, Concurrency: concurrency, Handle: func(d broker.Delivery) {
		held.add(d)
		handle(d)
	}})
	b.untilMoving("every message is handled", finished.Load, n)
	b.settled(&all) // what should not come
	l.check(b, &all, held.lost())
	if most, _ := all.atOnce(); most > concurrency && !held.lost() {
		b.Errorf("%d handlers ran at once, allowed are %d", most, concurrency)
	}
	rs := in.read(topic)
	if len(rs) != n {
		b.Errorf("reading without a group gives %d messages, want %d", len(rs), n)
	}
	for _, r := range rs {
		l.same(b, r)
	}
}

// untilMoving waits until there are n, for as long as there are ever more.
func (b *bench) untilMoving(what string, count func() int64, n int64) {
	b.Helper()
	for now := count(); now < n; now = count() {
		until := time.Now().Add(b.s.patience)
		b.until(what, func() bool { return count() > now || time.Now().After(until) })
		if count() == now {
			b.Fatalf("there are %d of %d after %v without another: %s", now, n, b.s.patience, what)
		}
	}
}

// manyOwners has members join and leave in order while messages flow, some of which fail and wait when a
// partition changes hands.
func manyOwners(b *bench) {
	topicOwner, topic := b.stage(partitions)
	o := &owners{b: b, publisher: topicOwner, topic: topic, load: newLoad(), got: map[*instance]*atomic.Int64{}}
	one, two, three := topicOwner, b.instance(), b.instance()
	first := o.join(one)
	second := o.join(two)
	o.join(three)
	o.leave(two, second)
	o.join(b.instance())
	o.leave(one, first)
	b.untilMoving("every message is handled", o.finished.Load, int64(o.load.len()))
	b.settled(&o.all)
	o.load.check(b, &o.all, false)
}

// owners are the members of a group under load.
type owners struct {
	b         *bench
	publisher *instance
	topic     string
	load      *load
	all       seen
	finished  atomic.Int64
	got       map[*instance]*atomic.Int64
}

// join adds a member and publishes until every member has had something.
func (o *owners) join(in *instance) broker.Member {
	o.b.Helper()
	had := &atomic.Int64{}
	handle := o.load.handler(&o.all, &o.finished, time.Millisecond)
	m := in.join(broker.Subscription{Topic: o.topic, Concurrency: 8, Handle: func(d broker.Delivery) {
		had.Add(1)
		handle(d)
	}})
	o.got[in] = had
	o.flow()
	return m
}

func (o *owners) leave(in *instance, m broker.Member) {
	o.b.Helper()
	o.round()
	in.leave(m)
	delete(o.got, in)
	o.flow()
}

// round publishes messages of all keys.
func (o *owners) round() {
	o.b.Helper()
	o.load.publish(o.b, o.publisher, o.load.varied(o.topic, 500, 25, 50)...)
}

func (o *owners) flow() {
	o.b.Helper()
	before := map[*instance]int64{}
	for in, had := range o.got {
		before[in] = had.Load()
	}
	o.b.until("every member works", func() bool {
		o.round()
		for in, had := range o.got {
			if had.Load() == before[in] {
				return false
			}
		}
		return true
	})
}

// thereAtOnce reads with another client right after each acknowledgement.
func thereAtOnce(b *bench) {
	const n = 10
	in, topic := b.stage(partitions)
	other := b.instance()
	for i := range n {
		p := in.Sends()
		if i%2 == 0 {
			p = in.Outputs()
		}
		r := record(topic, keyName(i), strconv.Itoa(i))
		if _, errs := in.try(b.within(), p, r); errs[0] != nil {
			b.Fatal(errs[0])
		}
		if !slices.ContainsFunc(other.read(topic), func(o *broker.Record) bool { return o.ID == r.ID }) {
			b.Errorf("message %d was acknowledged, and who reads then does not get it", i)
		}
	}
}

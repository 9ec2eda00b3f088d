package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// ahead is how far the clock of the first master is before the replica's.
const ahead = 10 * time.Minute

// TestFailoverToAMasterWhoseClockIsBehind has a master whose ids, leases and members' heartbeats are those of a clock
// ten minutes ahead, and a replica that takes its place without knowing the last of it.
func TestFailoverToAMasterWhoseClockIsBehind(t *testing.T) {
	t.Parallel()
	f := newFailover(t)
	b := f.open()
	topic := create(t, b, 1)
	lease := "{" + topic + "}:lease:g"
	due := time.Now().Add(12 * time.Second)
	var seen orders
	started, finish, retried := make(chan struct{}, 1), make(chan struct{}), make(chan time.Time, 10)
	handle := func(d broker.Delivery) {
		switch {
		case string(d.Record().Key) == "later" && d.Attempt() == 1:
			d.Park(2, due, time.Now())
			return
		case string(d.Record().Key) == "later":
			retried <- time.Now()
		case string(d.Record().Key) == "slow":
			started <- struct{}{}
			<-finish
		}
		seen.handle(d)
	}
	first, err := b.Join(t.Context(), group(topic, handle))
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, &broker.Record{Topic: topic, Key: []byte("later"), Value: []byte("1")})
	inTurn(t, b, topic, 1, 20)
	f.replicated(topic, 1) // what waits for its retry
	token := leaseToken(t, f.replica, lease)
	f.part()
	f.putAhead(topic, lease)
	f.raise(topic)
	inTurn(t, b, topic, 21, 40)
	publish(t, b, &broker.Record{Topic: topic, Key: []byte("slow"), Value: []byte("1")})
	receive(t, started)
	last := lastID(t, f.master, topic)
	until(t, "all but two are acknowledged", func() bool { return pendingOf(t, f.master, topic) == 2 })

	f.over()
	// The replica never had k0's messages 21 to 40, which were handled: the next are 41 to 60.
	inTurn(t, b, topic, 41, 60)
	if id := lastID(t, f.replica, topic); id >= before(t, last, 60_000) {
		t.Fatalf("the new master gave the id %s, which is not behind %s: the test proves nothing", id, last)
	}
	until(t, "what has ids below those of the former master is handled", func() bool { return seen.count() == 61 })
	close(finish)
	until(t, "all but what waits is acknowledged", func() bool { return pendingOf(t, f.replica, topic) == 1 })
	token = laterLease(t, token, leaseToken(t, f.replica, lease)) // another when the outage took longer than it holds
	second := f.open()
	join(t, second, group(topic, handle))
	leave(t, first)
	var next string
	until(t, "the next owner has a lease of its own", func() bool {
		next = leaseToken(t, f.replica, lease)
		return next != "" && next != token
	})
	laterLease(t, token, next)
	inTurn(t, second, topic, 61, 80)
	if at := receive(t, retried); at.Before(due.Truncate(time.Millisecond)) { // it is kept in milliseconds
		t.Errorf("the retry came %v early", due.Sub(at))
	}
	until(t, "everything is handled", func() bool { return seen.count() == 83 })
	until(t, "and acknowledged", func() bool { return pendingOf(t, f.replica, topic) == 0 })
	if len(retried) > 0 {
		t.Error("the retry came twice")
	}
	seen.check(t)
}

// TestWhoReadsWithoutAGroupNoticesAMasterWhoseClockIsBehind has the same happen to a broadcast and to a reader.
func TestWhoReadsWithoutAGroupNoticesAMasterWhoseClockIsBehind(t *testing.T) {
	t.Parallel()
	f := newFailover(t)
	b := f.open()
	topic := create(t, b, 1)
	var heard, read tally
	g := group(topic, func(d broker.Delivery) { heard.add(d.Record()); d.Done() })
	g.Broadcast = true
	join(t, b, g)
	go func() {
		for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest}) {
			if err == nil {
				read.add(r)
			}
		}
	}()
	inTurn(t, b, topic, 1, 20)
	f.replicated(topic, -1)
	f.part()
	f.raise(topic)
	inTurn(t, b, topic, 21, 40)
	both := func(n int) func() bool {
		return func() bool { return heard.distinct() == n && read.distinct() == n }
	}
	until(t, "everything of the first master is seen", both(41))
	last := lastID(t, f.master, topic)
	f.over()
	inTurn(t, b, topic, 41, 60)
	if id := lastID(t, f.replica, topic); id >= before(t, last, 60_000) {
		t.Fatalf("the new master gave the id %s, which is not behind %s: the test proves nothing", id, last)
	}
	until(t, "everything of the second is seen", both(61))
	if heard.total() != 61 || read.total() != 61 {
		t.Errorf("%d were heard and %d read, 61 are there", heard.total(), read.total())
	}
}

// tally counts records by their values.
type tally struct {
	mu     sync.Mutex
	values map[string]int
}

func (y *tally) add(r *broker.Record) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.values == nil {
		y.values = map[string]int{}
	}
	y.values[string(r.Value)]++
}

func (y *tally) distinct() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.values)
}

func (y *tally) total() (n int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, times := range y.values {
		n += times
	}
	return n
}

// TestTheDeadAreNotWaitedForUntilTheClockCatchesUp has a member that died while a master ruled whose clock was ahead:
// its heartbeat and its lease seem to hold for ten minutes.
func TestTheDeadAreNotWaitedForUntilTheClockCatchesUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b, c := open(t, addr), client(t, addr)
		topic := create(t, b, 1)
		until := time.Now().Add(ahead).UnixMilli()
		if err := c.Set(t.Context(), "{"+topic+"}:lease:g", fmt.Sprint("dead:1:1|", until, "|3000"), ahead).Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.ZAdd(t.Context(), "{"+topic+"}:members:g", goredis.Z{Score: float64(until), Member: "dead"}).Err(); err != nil {
			t.Fatal(err)
		}
		handled := make(chan string, 1)
		join(t, b, group(topic, func(d broker.Delivery) { handled <- d.Record().ID; d.Done() }))
		publish(t, b, &broker.Record{Topic: topic, ID: "1"})
		if id := receive(t, handled); id != "1" {
			t.Errorf("message %s was handled", id)
		}
	})
}

// failover is a master with a replica that is to take its place.
type failover struct {
	t               *testing.T
	servers         *testservers.RedisSentinels
	master, replica *goredis.Client
}

func newFailover(t *testing.T) *failover {
	t.Helper()
	s, err := testservers.StartRedisSentinels(t.Context(), testservers.RedisOptions{})
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &failover{t, s, client(t, s.Servers()[0].Addr()), client(t, s.Servers()[1].Addr())}
}

func (f *failover) open() *redis.Broker {
	f.t.Helper()
	cfg := settings.Redis{SentinelAddrs: f.servers.Addrs(), SentinelMaster: f.servers.Name(), Lease: 3 * time.Second}
	return opened(f.t, cfg, testWriter{f.t})
}

// replicated waits until the replica has the stream as the master has it and so many pending.
func (f *failover) replicated(topic string, pending int64) {
	f.t.Helper()
	until(f.t, "the replica has all", func() bool {
		return lastID(f.t, f.replica, topic) == lastID(f.t, f.master, topic) &&
			pendingOf(f.t, f.replica, topic) == pending && pendingOf(f.t, f.master, topic) == pending
	})
}

// part has the replica follow nobody, and be written to.
func (f *failover) part() {
	f.t.Helper()
	ctx := f.t.Context()
	if err := f.replica.ReplicaOf(ctx, "127.0.0.1", "1").Err(); err != nil {
		f.t.Fatal(err)
	}
	if err := f.replica.ConfigSet(ctx, "replica-read-only", "no").Err(); err != nil {
		f.t.Fatal(err)
	}
}

// putAhead gives the replica lease and heartbeats as the clock of its former master would have written them.
func (f *failover) putAhead(topic, lease string) {
	f.t.Helper()
	ctx, until := f.t.Context(), time.Now().Add(ahead)
	members := "{" + topic + "}:members:g"
	pipe := f.replica.TxPipeline()
	pipe.Set(ctx, lease, fmt.Sprint(leaseToken(f.t, f.replica, lease), "|", until.UnixMilli(), "|3000"), ahead)
	for _, m := range f.replica.ZRange(ctx, members, 0, -1).Val() {
		pipe.ZAdd(ctx, members, goredis.Z{Score: float64(until.UnixMilli()), Member: m})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		f.t.Fatal(err)
	}
}

// raise has the master go on with the ids of its clock.
func (f *failover) raise(topic string) {
	f.t.Helper()
	id := strconv.FormatInt(time.Now().Add(ahead).UnixMilli(), 10) + "-0"
	values := []string{"_watermill_message_uuid", "ahead", "metadata", "", "payload", "ahead"}
	if err := f.master.XAdd(f.t.Context(), &goredis.XAddArgs{Stream: topic, ID: id, Values: values}).Err(); err != nil {
		f.t.Fatal(err)
	}
}

// over kills the master and returns when the replica is in its place.
func (f *failover) over() {
	f.t.Helper()
	if err := f.servers.Servers()[0].Kill(); err != nil {
		f.t.Fatal(err)
	}
	until(f.t, "the replica is the master", func() bool {
		m, err := f.servers.Master(f.t.Context())
		return err == nil && m == f.servers.Servers()[1]
	})
}

// inTurn publishes consecutive numbers for one key, each after the one before.
func inTurn(t *testing.T, b *redis.Broker, topic string, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("k0"), Value: fmt.Append(nil, n)})
	}
}

func lastID(t *testing.T, c *goredis.Client, stream string) string {
	t.Helper()
	for _, e := range c.XRevRangeN(t.Context(), stream, "+", "-", 1).Val() {
		return e.ID
	}
	return ""
}

// pendingOf is how many entries the group has pending, -1 when there is no group.
func pendingOf(t *testing.T, c *goredis.Client, stream string) int64 {
	t.Helper()
	if g := c.XPending(t.Context(), stream, "g").Val(); g != nil {
		return g.Count
	}
	return -1
}

func leaseToken(t *testing.T, c *goredis.Client, lease string) string {
	t.Helper()
	token, _, _ := strings.Cut(c.Get(t.Context(), lease).Val(), "|")
	return token
}

// laterLease returns the token after, whose fence is beyond that of before unless they are the same.
func laterLease(t *testing.T, before, after string) string {
	t.Helper()
	if after != before && fenceOf(after) <= fenceOf(before) {
		t.Errorf("the lease %s came after %s: the fence does not count on", after, before)
	}
	return after
}

func fenceOf(token string) int {
	n, _ := strconv.Atoi(token[strings.LastIndex(token, ":")+1:])
	return n
}

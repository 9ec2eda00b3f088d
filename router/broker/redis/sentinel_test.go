package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// TestServiceGoesOnAfterAFailover kills the master under load. What the replica had not got
// is lost with it; everything that the new master has is handled, and the service goes on.
// Both servers refuse what Redis 6.2 did not know.
func TestServiceGoesOnAfterAFailover(t *testing.T) {
	t.Parallel()
	s, err := testservers.StartRedisSentinels(t.Context(), testservers.RedisOptions{})
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	log := newLogBook(t)
	cfg := settings.Redis{SentinelAddrs: s.Addrs(), SentinelMaster: s.Name(), Lease: 3 * time.Second}
	as62(t, s.Servers()...)(&cfg)
	b := opened(t, cfg, log)
	topic := create(t, b, 3)
	var seen orders
	join(t, b, group(topic, seen.handle))
	stop := produceInOrder(t.Context(), t, b, topic, 20)
	until(t, "messages flow", func() bool { return seen.count() > 500 })
	first, err := s.Master(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	var master *testservers.RedisServer
	until(t, "the replica is the master", func() bool {
		m, err := s.Master(t.Context())
		master = m
		return err == nil && m != first
	})
	until(t, "publishing goes on", func() bool { return log.count("publishing to redis goes on") > 0 })
	before := seen.count()
	until(t, "messages flow again", func() bool { return seen.count() > before+500 })
	stop()
	c := client(t, master.Addr())
	want := map[string]bool{}
	for p := range 3 {
		for _, e := range c.XRange(t.Context(), streamOf(topic, p), "-", "+").Val() {
			r := redis.DecodeEntry(topic, e.ID, texts(e.Values))
			want[string(r.Key)+"/"+string(r.Value)] = true
		}
	}
	if len(want) < 1000 {
		t.Errorf("the new master has %d messages", len(want))
	}
	until(t, "all that the new master has is handled", func() bool { return seen.hasAll(want) })
	until(t, "and acknowledged", func() bool {
		for p := range 3 {
			if g := c.XPending(t.Context(), streamOf(topic, p), "g").Val(); g == nil || g.Count > 0 {
				return false
			}
		}
		return true
	})
}

func texts(values map[string]any) map[string]string {
	m := map[string]string{}
	for k, v := range values {
		m[k], _ = v.(string)
	}
	return m
}

func (o *orders) hasAll(want map[string]bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range want {
		if !o.seen[id] {
			return false
		}
	}
	return true
}

// TestAnAcknowledgementThatAFailoverLostIsGivenAgain takes the replica away from its master between a delivery and
// its acknowledgement. As master it has the message pending, which is finished, and nobody reads it again.
func TestAnAcknowledgementThatAFailoverLostIsGivenAgain(t *testing.T) {
	t.Parallel()
	s, err := testservers.StartRedisSentinels(t.Context(), testservers.RedisOptions{})
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := opened(t, settings.Redis{SentinelAddrs: s.Addrs(), SentinelMaster: s.Name(), Lease: time.Minute}, newLogBook(t)) // outlives the failover
	topic := create(t, b, 1)
	handled, finish := make(chan string, 10), make(chan struct{})
	join(t, b, group(topic, func(d broker.Delivery) {
		handled <- string(d.Record().Value)
		<-finish
		d.Done()
	}))
	publish(t, b, &broker.Record{Topic: topic, Key: []byte("k"), Value: []byte("1")})
	receive(t, handled)
	master, replica := client(t, s.Servers()[0].Addr()), client(t, s.Servers()[1].Addr())
	pending := func(c *goredis.Client) int64 {
		if g := c.XPending(t.Context(), topic, "g").Val(); g != nil {
			return g.Count
		}
		return -1
	}
	until(t, "the replica knows who has the message", func() bool { return pending(replica) == 1 })
	if err := replica.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil { // where nobody is
		t.Fatal(err)
	}
	close(finish)
	until(t, "the message is acknowledged", func() bool { return pending(master) == 0 })
	if got := pending(replica); got != 1 {
		t.Fatalf("the replica has %d messages pending, want the one whose acknowledgement it never got", got)
	}
	if err := s.Servers()[0].Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the replica is the master", func() bool {
		m, err := s.Master(t.Context())
		return err == nil && m == s.Servers()[1]
	})
	until(t, "it is acknowledged again", func() bool { return pending(replica) == 0 })
	publish(t, b, &broker.Record{Topic: topic, Key: []byte("k"), Value: []byte("2")})
	if v := receive(t, handled); v != "2" {
		t.Errorf("message %s was handled, want 2: 1 was finished", v)
	}
}

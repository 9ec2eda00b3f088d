package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// shortIdle is soon in a test, and long for a member that lives.
const shortIdle = 2 * time.Second

func competing(c *settings.Redis) { c.Delivery, c.ClaimIdle = "competing", shortIdle }

// registered are the consumers of group g, and how much each has pending.
func registered(t *testing.T, c *goredis.Client, topic string) map[string]int64 {
	t.Helper()
	pending := map[string]int64{}
	for _, consumer := range c.XInfoConsumers(t.Context(), topic, "g").Val() {
		pending[consumer.Name] = consumer.Pending
	}
	return pending
}

// abandon reads n entries in the name of a consumer that does nothing more.
func abandon(t *testing.T, c *goredis.Client, topic, name string, n int64) []string {
	t.Helper()
	c.XGroupCreateMkStream(t.Context(), topic, "g", "0")
	streams, err := c.XReadGroup(t.Context(), &goredis.XReadGroupArgs{Group: "g", Consumer: name, Streams: []string{topic, ">"}, Count: n, Block: -1}).Result()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range streams[0].Messages {
		ids = append(ids, m.ID)
	}
	return ids
}

// TestDeadConsumersAreRemoved has a dead consumer with entries, one of them deleted, and one
// with nothing.
func TestDeadConsumersAreRemoved(t *testing.T) {
	t.Parallel()
	onServer(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr, competing)
		c := client(t, addr)
		topic := create(t, b, 1)
		publishAll(t, b.Sends(), topic, "", 20).Wait()
		left := abandon(t, c, topic, "dead", 10)
		c.XDel(t.Context(), topic, left[3])
		c.XGroupCreateConsumer(t.Context(), topic, "g", "idle")
		var seen ids
		live := join(t, b, group(topic, seen.handle))
		until(t, "the living member has removed both", func() bool {
			names := registered(t, c, topic)
			_, dead := names["dead"]
			_, idle := names["idle"]
			return len(names) == 1 && !dead && !idle && seen.total() == 19
		})
		for _, id := range []string{"0", "1", "2", "4", "5", "6", "7", "8", "9", "19"} {
			if seen.count(id) != 1 {
				t.Errorf("%s was handled %d times", id, seen.count(id))
			}
		}
		leave(t, live)
		if names := registered(t, c, topic); len(names) != 0 {
			t.Errorf("a member that left in order is registered: %v", names)
		}
	})
}

// TestWorkInFlightIsNotClaimed has a member that took a page of what a dead one left, is full
// and handles for longer than others take to be dead. Its partner takes the rest, and must
// neither take what is in hand nor remove the member.
func TestWorkInFlightIsNotClaimed(t *testing.T) {
	t.Parallel()
	const left, page = 150, 100
	onServer(t, func(t *testing.T, addr string) {
		t.Helper()
		b, c := open(t, addr, competing), client(t, addr)
		topic := create(t, b, 1)
		publishAll(t, b.Sends(), topic, "", left).Wait()
		abandon(t, c, topic, "dead", left)
		var seen ids
		goOn := make(chan struct{})
		join(t, b, group(topic, func(d broker.Delivery) { <-goOn; seen.handle(d) }, func(g *broker.Group) {
			g.Subscriptions[0].Bounds.Records = 4
		}))
		until(t, "the member has a page", func() bool { return registered(t, c, topic)["dead"] == left-page })
		join(t, open(t, addr, competing), group(topic, seen.handle))
		until(t, "its partner has handled the rest", func() bool { return seen.total() == left-page })
		c.XGroupCreateConsumer(t.Context(), topic, "g", "idle")
		until(t, "a consumer that came then counts as dead", func() bool {
			_, there := registered(t, c, topic)["idle"]
			return !there
		})
		if n := len(registered(t, c, topic)); n != 2 || seen.total() != left-page {
			t.Errorf("%d members are registered, %d entries were handled", n, seen.total())
		}
		close(goOn)
		until(t, "nothing is pending", func() bool { return c.XPending(t.Context(), topic, "g").Val().Count == 0 })
		if !seen.has("", left) || seen.total() != left {
			t.Errorf("%d handlers ran for %d entries", seen.total(), left)
		}
	})
}

// TestAMemberThatLeavesGivesItsWorkAway does not let others wait until it counts as dead.
func TestAMemberThatLeavesGivesItsWorkAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b, c := open(t, addr, competing), client(t, addr)
		topic := create(t, b, 1)
		parked := make(chan struct{}, 1)
		m := join(t, b, group(topic, func(d broker.Delivery) {
			d.Park(3, time.Now().Add(time.Hour), time.Now())
			parked <- struct{}{}
		}))
		publish(t, b, &broker.Record{Topic: topic, ID: "0"})
		receive(t, parked)
		leave(t, m)
		pending := c.XPendingExt(t.Context(), &goredis.XPendingExtArgs{Stream: topic, Group: "g", Start: "-", End: "+", Count: 10}).Val()
		if len(pending) != 1 || pending[0].Idle < shortIdle {
			t.Errorf("what is left: %+v", pending)
		}
	})
}

// TestAGroupThatCompetesLives is what retention and the trimming of commands go by.
func TestAGroupThatCompetesLives(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b, c := open(t, addr, competing), client(t, addr)
		topic := create(t, b, 1)
		join(t, b, group(topic, func(d broker.Delivery) { d.Done() }))
		seen := func() int64 { n, _ := c.HGet(t.Context(), "{"+topic+"}:groups", "g").Int64(); return n }
		until(t, "it is noted", func() bool { return seen() > 0 })
		first := seen()
		until(t, "and again", func() bool { return seen() > first })
	})
}

func (s *ids) count(id string) int { s.mu.Lock(); defer s.mu.Unlock(); return s.seen[id] }

func (s *ids) total() int { s.mu.Lock(); defer s.mu.Unlock(); return total(s.seen) }

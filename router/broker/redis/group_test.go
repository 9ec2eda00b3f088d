package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

func TestOrderPerKeyOverTwoMembers(t *testing.T) {
	t.Parallel()
	const n, keys = 2000, 40
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		topic := create(t, open(t, addr), 4)
		var mu sync.Mutex
		last, busy, total := map[string]int{}, map[string]bool{}, 0
		handle := func(d broker.Delivery) {
			key := string(d.Record().Key)
			i, _ := strconv.Atoi(string(d.Record().Value))
			mu.Lock()
			if busy[key] {
				t.Errorf("key %s is in two hands", key)
			}
			if before, ok := last[key]; ok && before >= i {
				t.Errorf("key %s: %d came after %d", key, i, before)
			}
			busy[key], last[key] = true, i
			total++
			mu.Unlock()
			mu.Lock()
			busy[key] = false
			mu.Unlock()
			d.Done()
		}
		wide := func(g *broker.Group) { g.Subscriptions[0].Concurrency = 50 }
		b1, b2 := open(t, addr), open(t, addr)
		join(t, b1, group(topic, handle, wide))
		publishMany(t, b1, topic, keys, n/2)
		m2 := join(t, b2, group(topic, handle, wide))
		until(t, "second member takes part", m2.Ready)
		for i := n / 2; i < n; i++ {
			r := &broker.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%keys), Value: fmt.Appendf(nil, "%d", i)}
			b2.Outputs().Produce(t.Context(), r, func(_ broker.Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		until(t, "all are handled", func() bool { mu.Lock(); defer mu.Unlock(); return total == n })
	})
}

func TestParkedMessageDelaysNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		var seen book
		join(t, b, group(topic, func(d broker.Delivery) {
			v := string(d.Record().Value)
			seen.add(fmt.Sprint(v, " ", d.Attempt()))
			if v == "a1" && d.Attempt() == 1 {
				d.Park(2, time.Now().Add(300*time.Millisecond), time.Now())
				return
			}
			d.Done()
		}, func(g *broker.Group) { g.Subscriptions[0].Concurrency = 1 }))
		for _, v := range []string{"a1", "a2", "b1"} {
			publish(t, b, &broker.Record{Topic: topic, Key: []byte(v[:1]), Value: []byte(v)})
		}
		until(t, "all are handled", func() bool { return seen.len() == 4 })
		if diff := cmp.Diff([]string{"a1 1", "b1 1", "a1 2", "a2 1"}, seen.list()); diff != "" {
			t.Error(diff)
		}
	})
}

type attempt struct {
	value       string
	attempt     int
	firstFailed time.Time
}

func TestAttemptsSurviveClose(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		failed := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		parked := make(chan struct{}, 1)
		m := join(t, b, group(topic, func(d broker.Delivery) {
			d.Park(3, time.Now().Add(time.Second), failed)
			parked <- struct{}{}
		}))
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("k"), Value: []byte("v")})
		receive(t, parked)
		leave(t, m)
		got := make(chan attempt, 10)
		m = join(t, b, group(topic, func(d broker.Delivery) {
			got <- attempt{string(d.Record().Value), d.Attempt(), d.FirstFailed()}
			d.Done()
		}))
		if diff := cmp.Diff(attempt{"v", 3, failed}, receive(t, got), cmp.AllowUnexported(attempt{})); diff != "" {
			t.Error(diff)
		}
		leave(t, m)
		state := client(t, addr).HLen(context.Background(), "{"+topic+"}:state:g").Val()
		if state != 0 {
			t.Errorf("%d notes are left of what is finished", state)
		}
	})
}

func TestPartitionIsTakenOverAfterACrash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		short := func(c *settings.Redis) { c.Lease = time.Second }
		b := open(t, addr, short)
		topic := create(t, b, 1)
		p := newProxy(t, addr)
		crashing := open(t, p.addr(), short)
		failed := time.Now().Truncate(time.Millisecond)
		parked, running, cancelled := make(chan struct{}, 10), make(chan struct{}, 1), make(chan struct{}, 1)
		m1 := join(t, crashing, group(topic, func(d broker.Delivery) {
			if string(d.Record().Value) == "parked" {
				d.Park(2, time.Now().Add(time.Second), failed)
				parked <- struct{}{}
				return
			}
			running <- struct{}{}
			<-d.Context().Done()
			cancelled <- struct{}{}
			d.Done() // too late to count
		}))
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("a"), Value: []byte("parked")})
		receive(t, parked)
		c := client(t, addr)
		until(t, "the attempt is noted", func() bool { return c.HLen(t.Context(), "{"+topic+"}:state:g").Val() == 1 })
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("b"), Value: []byte("running")})
		receive(t, running)
		p.set(true)
		got := make(chan attempt, 10)
		join(t, b, group(topic, func(d broker.Delivery) {
			got <- attempt{value: string(d.Record().Value), attempt: d.Attempt()}
			d.Done()
		}))
		seen := map[string]int{}
		for range 2 {
			a := receive(t, got)
			seen[a.value] = a.attempt
		}
		if seen["parked"] != 2 || seen["running"] != 1 {
			t.Errorf("attempts of the next owner: %v", seen)
		}
		receive(t, cancelled)
		p.set(false)
		leave(t, m1)
	})
}

func TestNothingFinishedComesAgainAfterClose(t *testing.T) {
	t.Parallel()
	const n = 500
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 2)
		publishMany(t, b, topic, 50, n)
		var mu sync.Mutex
		finished := map[string]int{}
		handle := func(d broker.Delivery) {
			d.Done()
			mu.Lock()
			defer mu.Unlock()
			finished[d.Record().ID]++
		}
		count := func() int { mu.Lock(); defer mu.Unlock(); return len(finished) }
		for goal := 50; count() < n; goal += 50 {
			m := join(t, b, group(topic, handle))
			until(t, "some are finished", func() bool { return count() >= min(goal, n) })
			leave(t, m)
		}
		for id, times := range finished {
			if times != 1 {
				t.Errorf("record %s was finished %d times", id, times)
			}
		}
	})
}

// TestPartitionsAreBalanced has a lease that nobody waits for: who gives something away or leaves hands it over.
func TestPartitionsAreBalanced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr, func(c *settings.Redis) { c.Lease = 10 * patience })
		topic := create(t, b, 4)
		c := client(t, addr)
		owners := func() map[string]int {
			counts := map[string]int{}
			for p := range 4 {
				s := topic
				if p > 0 {
					s = fmt.Sprint(topic, ":", p)
				}
				if token := c.Get(context.Background(), "{"+s+"}:lease:g").Val(); token != "" {
					counts[token[:32]]++
				}
			}
			return counts
		}
		done := func(d broker.Delivery) { d.Done() }
		join(t, b, group(topic, done))
		until(t, "one member has all", func() bool { o := owners(); return len(o) == 1 && total(o) == 4 })
		m2 := join(t, b, group(topic, done))
		until(t, "two members have two each", func() bool { o := owners(); return len(o) == 2 && most(o) == 2 && total(o) == 4 })
		leave(t, m2)
		until(t, "one member has all again", func() bool { o := owners(); return len(o) == 1 && total(o) == 4 })
	})
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func most(m map[string]int) (n int) {
	for _, v := range m {
		n = max(n, v)
	}
	return n
}

func TestWhereAGroupStarts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		publish(t, b, &broker.Record{Topic: topic, Value: []byte("old")})
		first := func(name string, s broker.Start) string {
			got := make(chan string, 10)
			m, err := b.Join(t.Context(), group(topic, func(d broker.Delivery) { got <- string(d.Record().Value); d.Done() }, func(g *broker.Group) {
				g.Name, g.Subscriptions[0].Start = name, s
			}))
			if errors.Is(err, broker.ErrNoStart) {
				return "error"
			}
			if err != nil {
				t.Fatal(err)
			}
			defer leave(t, m)
			publish(t, b, &broker.Record{Topic: topic, Value: []byte("new")})
			return receive(t, got)
		}
		for name, want := range map[string]struct {
			start broker.Start
			first string
		}{
			"default":  {broker.StartDefault, "old"},
			"earliest": {broker.StartEarliest, "old"},
			"latest":   {broker.StartLatest, "new"},
			"none":     {broker.StartNone, "error"},
		} {
			if got := first(name, want.start); got != want.first {
				t.Errorf("%s starts with %s", name, got)
			}
		}
	})
}

func TestBroadcastReachesEveryMember(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 3)
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("k"), Value: []byte("old")})
		var counts [2]atomic.Int32
		for i := range counts {
			join(t, b, group(topic, func(d broker.Delivery) {
				if string(d.Record().Value) == "old" {
					t.Error("latest begins with an old message")
				}
				counts[i].Add(1)
				d.Done()
			}, func(g *broker.Group) {
				g.Broadcast, g.Subscriptions[0].Start = true, broker.StartLatest
			}))
		}
		publishMany(t, b, topic, 20, 60)
		until(t, "both have all", func() bool { return counts[0].Load() == 60 && counts[1].Load() == 60 })
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		publishMany(t, b, topic, 5, 20)
		sizes := make(chan int, 20)
		join(t, b, broker.Group{Name: "g", Subscriptions: []broker.Subscription{{
			Topic: topic, Concurrency: 1, BatchSize: 10, BatchWait: 5 * time.Second,
			HandleBatch: func(ds []broker.Delivery) {
				for _, d := range ds {
					d.Done()
				}
				sizes <- len(ds)
			},
		}}})
		for range 2 {
			if n := receive(t, sizes); n != 10 {
				t.Errorf("batch of %d", n)
			}
		}
	})
}

func TestCompetingMembersShareOnePartition(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		competing := func(c *settings.Redis) { c.Delivery, c.ClaimIdle = "competing", time.Second }
		b := open(t, addr, competing)
		topic := create(t, b, 1)
		p := newProxy(t, addr)
		stuck, dead := make(chan struct{}, 100), make(chan struct{})
		defer close(dead)
		join(t, open(t, p.addr(), competing), group(topic, func(d broker.Delivery) {
			stuck <- struct{}{}
			<-dead
			d.Return()
		}))
		publishMany(t, b, topic, 5, 20)
		receive(t, stuck)
		p.set(true)
		var seen ids
		join(t, b, group(topic, func(d broker.Delivery) {
			if d.Record().ID == "0" { // longer than the idle time
				<-time.After(1500 * time.Millisecond)
			}
			seen.handle(d)
		}))
		until(t, "all are handled", func() bool { return seen.has("", 20) })
		c := client(t, addr)
		until(t, "nothing is pending", func() bool {
			p, err := c.XPending(t.Context(), topic, "g").Result()
			return err == nil && p.Count == 0
		})
		seen.mu.Lock()
		defer seen.mu.Unlock()
		for id, n := range seen.seen {
			if n != 1 {
				t.Errorf("%s was handled %d times", id, n)
			}
		}
		p.set(false)
	})
}

func TestMemberFailsOnAKeyThatIsNoStream(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		c := client(t, addr)
		m := join(t, b, group(topic, func(d broker.Delivery) { d.Done() }))
		until(t, "member takes part", m.Ready)
		if err := c.Set(t.Context(), topic, "text", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, m.Failed()); !strings.Contains(err.Error(), topic) {
			t.Errorf("got %v", err)
		}
		until(t, "member takes part no more", func() bool { return !m.Ready() })
	})
}

func TestPartitionsThatComeLaterAreRead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		var seen ids
		join(t, b, group(topic, seen.handle, func(g *broker.Group) { g.Subscriptions[0].Start = broker.StartLatest }))
		if err := client(t, addr).HSet(t.Context(), "leat:topic:"+topic, "partitions", 3).Err(); err != nil {
			t.Fatal(err)
		}
		publishAll(t, open(t, addr).Sends(), topic, "later", 50).Wait()
		until(t, "all are handled", func() bool { return seen.has("later", 50) })
	})
}

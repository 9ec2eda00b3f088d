package redis_test

import (
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// TestAMemberSaysThatTheServerIsAway has every kind of member say so, and take it back.
func TestAMemberSaysThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	for kind, change := range map[string]func(*settings.Redis, *broker.Group){
		"partitioned": func(*settings.Redis, *broker.Group) {},
		"competing":   func(c *settings.Redis, _ *broker.Group) { c.Delivery = "competing" },
		"broadcast":   func(_ *settings.Redis, g *broker.Group) { g.Broadcast = true },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, addr string) {
				t.Helper()
				p := newProxy(t, addr)
				var seen ids
				var g broker.Group
				b := open(t, p.addr(), func(c *settings.Redis) { change(c, &g) })
				topic := create(t, b, 1)
				m := join(t, b, group(topic, seen.handle, func(g *broker.Group) { change(&settings.Redis{}, g) }))
				readyAgain(t, m)
				p.set(true)
				says(t, m, topic, p.addr(), "does not answer", "REDIS_URL")
				p.set(false)
				readyAgain(t, m)
			})
		})
	}
}

// TestAMemberSaysWhatIsWrongWithTheServer has a server refuse what a member needs.
func TestAMemberSaysWhatIsWrongWithTheServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ wrong, right, says []string }{
		"full":     {[]string{"CONFIG SET maxmemory 1"}, []string{"CONFIG SET maxmemory 0"}, []string{"is full", "maxmemory"}},
		"replica":  {[]string{"REPLICAOF 127.0.0.1 1"}, []string{"REPLICAOF NO ONE"}, []string{"read-only replica", "REDIS_URL", "REDIS_SENTINEL_ADDRS"}},
		"stale":    {[]string{"CONFIG SET replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1"}, []string{"REPLICAOF NO ONE"}, []string{"without its master", "REDIS_URL"}},
		"replicas": {[]string{"CONFIG SET min-replicas-to-write 1"}, []string{"CONFIG SET min-replicas-to-write 0"}, []string{"min-replicas-to-write"}},
	} {
		for _, delivery := range []string{"partitioned", "competing"} {
			t.Run(name+" "+delivery, func(t *testing.T) {
				t.Parallel()
				s := ownServer(t, testservers.RedisOptions{})
				b := open(t, s.Addr(), func(c *settings.Redis) { c.Delivery = delivery })
				var seen ids
				m := join(t, b, group(create(t, b, 1), seen.handle))
				readyAgain(t, m)
				order(t, s, c.wrong)
				says(t, m, append(c.says, s.Addr())...)
				order(t, s, c.right)
				readyAgain(t, m)
			})
		}
	}
}

// TestAMemberSaysThatTheClusterIsDown takes a node away, and with it a third of the slots.
func TestAMemberSaysThatTheClusterIsDown(t *testing.T) {
	t.Parallel()
	cluster, err := testservers.StartRedisCluster(t.Context(), 3, testservers.RedisOptions{Args: []string{"--cluster-node-timeout", "1000"}})
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	b := open(t, cluster.Addr(), inCluster)
	var seen ids
	m := join(t, b, group(create(t, b, 6), seen.handle))
	readyAgain(t, m)
	if err := cluster.Nodes()[2].Kill(); err != nil {
		t.Fatal(err)
	}
	says(t, m, "cluster", "is down", "CLUSTER INFO")
	if err := cluster.Nodes()[2].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	readyAgain(t, m)
}

func TestAMemberSaysWhichRightItLacks(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{Users: map[string]string{"leat": documented(t)}})
	b := open(t, s.Addr(), func(c *settings.Redis) { c.Username, c.Password = "leat", "secret" })
	var seen ids
	m := join(t, b, group(create(t, b, 1), seen.handle))
	readyAgain(t, m)
	order(t, s, []string{"ACL SETUSER leat -zadd"})
	says(t, m, "ZADD", "REDIS_USERNAME")
	if err := receive(t, m.Failed()); err == nil {
		t.Error("the member goes on")
	}
}

func order(t *testing.T, s *testservers.RedisServer, commands []string) {
	t.Helper()
	c := client(t, s.Addr())
	for _, line := range commands {
		var args []any
		for word := range strings.FieldsSeq(line) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func readyAgain(t *testing.T, m broker.Member) {
	t.Helper()
	until(t, "the member is ready", m.Ready)
}

// says waits until the member is not ready and the reason has all the parts.
func says(t *testing.T, m broker.Member, parts ...string) {
	t.Helper()
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("the last reason was: %s", last)
		}
	}()
	until(t, "the member says "+strings.Join(parts, ", "), func() bool {
		err := broker.NotReady(m)
		if err == nil {
			return false
		}
		last = err.Error()
		for _, part := range parts {
			if !strings.Contains(last, part) {
				return false
			}
		}
		return true
	})
}

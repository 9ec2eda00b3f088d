package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// eachOwn runs a test on servers that no other test uses.
func eachOwn(t *testing.T, f func(t *testing.T, addr string)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); f(t, testservers.EmbeddedRedis(t).Addr) })
	t.Run("server", func(t *testing.T) { t.Parallel(); f(t, ownServer(t, testservers.RedisOptions{}).Addr()) })
}

func ownServer(t *testing.T, o testservers.RedisOptions) *testservers.RedisServer {
	t.Helper()
	s, err := testservers.StartRedis(t.Context(), o)
	if err != nil && !testservers.RequireReal() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ids collects the ids of what was handled.
type ids struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *ids) handle(d broker.Delivery) {
	s.mu.Lock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[d.Record().ID]++
	s.mu.Unlock()
	d.Done()
}

func (s *ids) has(prefix string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		if s.seen[fmt.Sprint(prefix, i)] == 0 {
			return false
		}
	}
	return true
}

func publishAll(t *testing.T, p broker.Producer, topic, prefix string, n int) *sync.WaitGroup {
	t.Helper()
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		r := &broker.Record{Topic: topic, ID: fmt.Sprint(prefix, i), Key: fmt.Appendf(nil, "k%d", i%7), Value: []byte("v")}
		p.Produce(t.Context(), r, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Errorf("publish %s%d: %v", prefix, i, err)
			}
			wg.Done()
		})
	}
	return &wg
}

func TestServiceGoesOnAfterFlushAll(t *testing.T) {
	t.Parallel()
	eachOwn(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 3)
		var seen ids
		join(t, b, group(topic, seen.handle))
		publishAll(t, b.Sends(), topic, "before", 50).Wait()
		until(t, "what came before is handled", func() bool { return seen.has("before", 50) })
		for round := range 3 {
			if err := client(t, addr).FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			flushed := time.Now()
			prefix := fmt.Sprint("round", round, "-")
			publishAll(t, b.Sends(), topic, prefix, 50).Wait()
			until(t, "what came after is handled", func() bool { return seen.has(prefix, 50) })
			if d := time.Since(flushed); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
		}
		until(t, "the topic is registered again", func() bool {
			infos, err := b.Topics(t.Context())
			return err == nil && len(infos) == 1 && infos[0].Partitions == 3
		})
	})
}

func TestDestroyedGroupIsCreatedAgainWithoutAGap(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		var seen ids
		var once sync.Once
		began, goOn := make(chan struct{}), make(chan struct{})
		join(t, b, group(topic, func(d broker.Delivery) {
			if d.Record().ID == "slow" {
				once.Do(func() { close(began) })
				<-goOn
			}
			seen.handle(d)
		}))
		publishAll(t, b.Sends(), topic, "a", 20).Wait()
		publish(t, b, &broker.Record{Topic: topic, ID: "slow", Key: []byte("slow")})
		receive(t, began)
		publishAll(t, b.Sends(), topic, "b", 20).Wait()
		until(t, "all but the slow one are handled", func() bool { return seen.has("a", 20) && seen.has("b", 20) })
		c := client(t, addr)
		if err := c.XGroupDestroy(t.Context(), topic, "g").Err(); err != nil {
			t.Fatal(err)
		}
		publishAll(t, b.Sends(), topic, "c", 20).Wait()
		until(t, "what came after is handled", func() bool { return seen.has("c", 20) })
		close(goOn)
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
	})
}

func TestServiceGoesOnAfterARestartOfTheServer(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]testservers.RedisOptions{
		"with its data":    {AppendOnly: true, AppendFsync: "always"},
		"without its data": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t, o)
			b := open(t, s.Addr())
			topic := create(t, b, 2)
			var seen ids
			join(t, b, group(topic, seen.handle))
			publishAll(t, b.Sends(), topic, "before", 50).Wait()
			until(t, "what came before is handled", func() bool { return seen.has("before", 50) })
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			meanwhile := publishAll(t, b.Outputs(), topic, "meanwhile", 50)
			if err := b.Ping(t.Context()); !errors.Is(err, broker.ErrUnreachable) {
				t.Errorf("ping of a dead server: %v", err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			meanwhile.Wait()
			publishAll(t, b.Sends(), topic, "after", 50).Wait()
			until(t, "all is handled", func() bool { return seen.has("meanwhile", 50) && seen.has("after", 50) })
		})
	}
}

func TestOrderSurvivesCutConnections(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		p := newProxy(t, addr)
		b := open(t, p.addr())
		topic := create(t, open(t, addr), 1)
		const n = 3000
		var wg sync.WaitGroup
		wg.Add(n)
		for i := range n {
			if i%500 == 250 {
				p.set(true)
				p.set(false)
			}
			b.Outputs().Produce(t.Context(), &broker.Record{Topic: topic, Key: []byte("k"), Value: fmt.Appendf(nil, "%05d", i)}, func(_ broker.Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
				wg.Done()
			})
		}
		wg.Wait()
		first := ""
		seen := map[string]bool{}
		for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, UntilEnd: true}) {
			if err != nil {
				t.Fatal(err)
			}
			v := string(r.Value)
			if !seen[v] && v < first {
				t.Fatalf("%s first came after %s", v, first)
			}
			seen[v] = true
			first = max(first, v)
		}
		if len(seen) != n {
			t.Errorf("%d of %d were written", len(seen), n)
		}
	})
}

func TestConnectNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		b := open(t, "127.0.0.1:1")
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := b.Connect(ctx)
		if !errors.Is(err, broker.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "REDIS_URL") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("it took %v", d)
		}
	})
	t.Run("a password is wrong or missing", func(t *testing.T) {
		t.Parallel()
		s := ownServer(t, testservers.RedisOptions{})
		if err := client(t, s.Addr()).ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
			t.Fatal(err)
		}
		for _, password := range []settings.Secret{"", "wrong"} {
			err := open(t, s.Addr(), func(c *settings.Redis) { c.Password = password }).Connect(t.Context())
			if err == nil || !strings.Contains(err.Error(), "REDIS_PASSWORD") || strings.Contains(err.Error(), "secret") {
				t.Errorf("password %q: %v", password.Reveal(), err)
			}
		}
		if err := open(t, s.Addr(), func(c *settings.Redis) { c.Password = "secret" }).Connect(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]settings.Redis{
		"address":        {URL: "nonsense"},
		"delivery":       {Delivery: "sometimes"},
		"start":          {AutoOffsetReset: "now"},
		"master alone":   {SentinelMaster: "m"},
		"key alone":      {TLSKeyFile: "x.pem"},
		"cluster and db": {Cluster: true, URL: "redis://h:1/3"},
	} {
		if _, err := redis.New(cfg); err == nil {
			t.Errorf("%s: no fault", name)
		}
	}
}

func TestCallsAfterClose(t *testing.T) {
	t.Parallel()
	b := open(t, testservers.EmbeddedRedis(t).Addr)
	topic := create(t, b, 1)
	for range 2 {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := send(t, b, &broker.Record{Topic: topic}); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if _, err := b.Join(t.Context(), group(topic, func(broker.Delivery) {})); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("join: %v", err)
	}
}

func TestMemberClosesDuringAnOutage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		p := newProxy(t, addr)
		b := open(t, p.addr())
		topic := create(t, b, 1)
		began, goOn := make(chan struct{}, 1), make(chan struct{})
		m, err := b.Join(t.Context(), group(topic, func(d broker.Delivery) {
			began <- struct{}{}
			<-goOn
			d.Done()
		}))
		if err != nil {
			t.Fatal(err)
		}
		publish(t, b, &broker.Record{Topic: topic, ID: "0"})
		receive(t, began)
		p.set(true)
		close(goOn)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := m.Close(ctx); err == nil {
			t.Error("what was finished could not be acknowledged, and nobody said so")
		}
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("it took %v", d)
		}
		var seen ids
		join(t, open(t, addr), group(topic, seen.handle))
		until(t, "the next owner handles it", func() bool { return seen.has("", 1) })
	})
}

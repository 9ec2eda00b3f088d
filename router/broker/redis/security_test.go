package redis_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// documented are the rules of the user in the how-to.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/how-to/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`ACL SETUSER leat (.+)`).FindSubmatch(page)
	if rules == nil {
		t.Fatal("the how-to has no rules for a user")
	}
	return string(rules[1])
}

func as(addr, user, password string) settings.Redis {
	return settings.Redis{
		URL: settings.URL("redis://" + addr), Lease: 2 * time.Second, ClaimIdle: time.Second,
		Username: user, Password: settings.Secret(password),
	}
}

// TestTheDocumentedRightsSuffice uses everything with the user of the how-to: every kind of topic,
// groups of both kinds, claims, broadcasts, reads and trimming.
func TestTheDocumentedRightsSuffice(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{Users: map[string]string{"leat": documented(t)}})
	for _, delivery := range []string{"partitioned", "competing"} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			cfg := as(s.Addr(), "leat", "secret")
			cfg.Delivery, cfg.StreamMaxLen = delivery, 1000
			log := newLogBook(t)
			b := opened(t, cfg, log)
			if err := b.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []topics.Kind{topics.KindEvent, topics.KindCommand, topics.KindState} {
				topic := create(t, b, 2, func(c *broker.TopicConfig) { c.Kind = kind })
				var seen, all ids
				m := join(t, b, group(topic, parkOnce(seen.handle)))
				join(t, b, group(topic, all.handle, func(g *broker.Group) { g.Broadcast = true }))
				publishAll(t, b.Sends(), topic, "m", 20).Wait()
				until(t, "the newest of every key is handled", func() bool { return seen.hasNewest() && all.hasNewest() })
				leave(t, m)
			}
			if _, err := b.Topics(t.Context()); err != nil {
				t.Error(err)
			}
			denials := client(t, s.Addr()).Do(t.Context(), "ACL", "LOG").String()
			if strings.Contains(denials, "username leat") {
				t.Errorf("refused: %s", denials)
			}
			if log.count("not trimmed") > 0 {
				t.Error("a stream was not trimmed")
			}
		})
	}
}

// hasNewest tells whether the last message of each of the seven keys came: a state may leave
// out former ones.
func (s *ids) hasNewest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 13; i < 20; i++ {
		if s.seen[fmt.Sprint("m", i)] == 0 {
			return false
		}
	}
	return true
}

// parkOnce lets the first attempt of every message fail.
func parkOnce(handle func(broker.Delivery)) func(broker.Delivery) {
	return func(d broker.Delivery) {
		if d.Attempt() == 1 {
			d.Park(2, time.Now().Add(50*time.Millisecond), time.Now())
			return
		}
		handle(d)
	}
}

func TestAMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	rules := documented(t)
	for _, command := range []string{"xadd", "xreadgroup", "xack", "zadd", "set", "hset", "evalsha"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t, testservers.RedisOptions{Users: map[string]string{"leat": rules + " -" + command}})
			admin := open(t, s.Addr())
			topic := create(t, admin, 1)
			publish(t, admin, &broker.Record{Topic: topic, Value: []byte("v")})
			err := useAll(t, opened(t, as(s.Addr(), "leat", "secret"), testWriter{t}), topic)
			for _, part := range []string{strings.ToUpper(command), "REDIS_USERNAME"} {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %v", part, err)
				}
			}
		})
	}
}

// useAll publishes, creates a topic and joins until one of these is refused.
func useAll(t *testing.T, b *redis.Broker, topic string) error {
	t.Helper()
	if _, err := send(t, b, &broker.Record{Topic: topic, Value: []byte("v")}); err != nil {
		return err
	}
	if err := b.CreateTopics(t.Context(), broker.TopicConfig{Name: topic + "-2"}); err != nil {
		return err
	}
	m, err := b.Join(t.Context(), group(topic, func(d broker.Delivery) { d.Done() }))
	if err != nil {
		return err
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = m.Close(ctx)
	})
	return receive(t, m.Failed())
}

func TestTLSAndPasswordsFromSettings(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{TLS: true, Users: map[string]string{"ada": "on >s3cr3t ~* +@all"}})
	cert, key, err := s.Authority().Issue("ada", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	good := settings.Redis{
		URL: settings.URL("rediss://" + s.TLSAddr()), Username: "ada", Password: "s3cr3t",
		TLSCAFile: settings.File(s.Authority().PEM()), TLSCertFile: settings.File(cert), TLSKeyFile: settings.File(key),
	}
	for name, test := range map[string]struct {
		change func(*settings.Redis)
		want   string // "": it connects
	}{
		"all is right": {func(*settings.Redis) {}, ""},
		"password in the address": {func(c *settings.Redis) {
			c.URL, c.Username, c.Password = settings.URL("rediss://ada:s3cr3t@"+s.TLSAddr()), "", ""
		}, ""},
		"files turn TLS on": {func(c *settings.Redis) { c.URL = settings.URL("redis://" + s.TLSAddr()) }, ""},
		"wrong password":    {func(c *settings.Redis) { c.Password = "wr0ng" }, "REDIS_PASSWORD"},
		"no certificate":    {func(c *settings.Redis) { c.TLSCertFile, c.TLSKeyFile = "", "" }, "unreachable"},
		"unknown authority": {func(c *settings.Redis) { c.TLSCAFile = "" }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			test.change(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if test.want != "" && test.want != "REDIS_PASSWORD" {
				ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
			}
			defer cancel()
			err := opened(t, cfg, testWriter{t}).Connect(ctx)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "wr0ng")) {
				t.Errorf("a secret is printed: %v", err)
			}
		})
	}
}

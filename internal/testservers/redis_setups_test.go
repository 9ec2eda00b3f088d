package testservers_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

func TestRedisAsksForACertificate(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{TLS: true})
	conf := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	conf.RootCAs.AppendCertsFromPEM([]byte(s.Authority().PEM()))
	if err := pingTLS(t, s.TLSAddr(), conf); err == nil {
		t.Error("a client without a certificate is let in")
	}
	cert, key, err := s.Authority().Issue("ada", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	conf.Certificates = []tls.Certificate{pair}
	if err := pingTLS(t, s.TLSAddr(), conf); err != nil {
		t.Errorf("a client with a certificate: %v", err)
	}
}

func pingTLS(t *testing.T, addr string, conf *tls.Config) error {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, TLSConfig: conf.Clone(), MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return c.Ping(t.Context()).Err()
}

func TestRedisHasUsersWithRules(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{Users: map[string]string{"ada": "on >secret ~a* +get"}})
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: "ada", Password: "secret"})
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Get(t.Context(), "a").Err(); err != redis.Nil { //nolint:errorlint // the client's own value
		t.Errorf("get a: %v", err)
	}
	if err := c.Get(t.Context(), "b").Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("get b: %v", err)
	}
}

func TestSentinelsPromoteTheReplica(t *testing.T) {
	t.Parallel()
	s, err := testservers.StartRedisSentinels(t.Context(), testservers.RedisOptions{})
	started(t, err)
	t.Cleanup(func() { closeServer(t, s) })
	c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: s.Name(), SentinelAddrs: s.Addrs()})
	t.Cleanup(func() { _ = c.Close() })
	if info := c.Info(t.Context(), "replication").Val(); !strings.Contains(info, "state=online") {
		t.Errorf("the master sends nothing to its replica yet: %s", info)
	}
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := c.Wait(t.Context(), 1, 10*time.Second).Val(); n != 1 {
		t.Fatalf("%d replicas have the write", n)
	}
	first, err := s.Master(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another master", func() bool {
		m, err := s.Master(t.Context())
		return err == nil && m != first
	})
	eventually(t, "it has the data and takes more", func() bool {
		return c.Get(t.Context(), "k").Val() == "v" && c.Set(t.Context(), "k2", "v", 0).Err() == nil
	})
}

func TestClusterSpreadsKeysAndMovesSlots(t *testing.T) {
	t.Parallel()
	s, err := testservers.StartRedisCluster(t.Context(), 3, testservers.RedisOptions{})
	started(t, err)
	t.Cleanup(func() { closeServer(t, s) })
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	t.Cleanup(func() { _ = c.Close() })
	for _, k := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := c.Set(t.Context(), k, "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range s.Nodes() {
		if size := redisClient(t, n.URL()).DBSize(t.Context()).Val(); size == 0 {
			t.Errorf("node %d has no key", i)
		}
	}
	slot := int(c.ClusterKeySlot(t.Context(), "a").Val())
	for _, n := range s.Nodes() {
		if err := s.Move(t.Context(), slot, n); err != nil {
			t.Fatal(err)
		}
		if got := redisClient(t, n.URL()).Get(t.Context(), "a").Val(); got != "v" {
			t.Errorf("the node that has the slot says %q", got)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

package testservers_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

func startRedis(t *testing.T, o testservers.RedisOptions) *testservers.RedisServer {
	t.Helper()
	s, err := testservers.StartRedis(t.Context(), o)
	started(t, err)
	t.Cleanup(func() { closeServer(t, s) })
	return s
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRedisKeepsItsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{AppendOnly: true, AppendFsync: "always"})
	c := redisClient(t, s.URL())
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if !refuses(t, s.Addr()) {
		t.Errorf("something still listens at %s after Kill", s.Addr())
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := redisClient(t, s.URL()).Get(t.Context(), "k").Result()
	if err != nil || got != "v" {
		t.Errorf("after restart: got %q, %v; want %q", got, err, "v")
	}
}

func TestRedisWithoutAppendOnlyForgets(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{})
	if err := redisClient(t, s.URL()).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Kill(), s.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	n, err := redisClient(t, s.URL()).Exists(t.Context(), "k").Result()
	if err != nil || n != 0 {
		t.Errorf("after restart: %d keys, %v; want none", n, err)
	}
}

func TestRedisTakesFurtherArguments(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{Args: []string{"--maxmemory", "32mb"}})
	got, err := redisClient(t, s.URL()).ConfigGet(t.Context(), "maxmemory").Result()
	want := map[string]string{"maxmemory": "33554432"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("config (-want +got), %v:\n%s", err, diff)
	}
}

func TestRedisIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	s := startRedis(t, testservers.RedisOptions{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !refuses(t, s.Addr()) {
		t.Errorf("something still listens at %s after Close", s.Addr())
	}
}

func TestRedisKeepsAGivenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startRedis(t, testservers.RedisOptions{DataDir: dir, AppendOnly: true})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "appendonlydir")); err != nil {
		t.Errorf("the data are gone after Close: %v", err)
	}
}

func TestRedisSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	_, err := testservers.StartRedis(t.Context(), testservers.RedisOptions{Args: []string{"--no-such-option", "1"}})
	wantFault(t, err, "ended before it was ready", "no-such-option")
}

func TestRedisRefusesAPortInUse(t *testing.T) {
	t.Parallel()
	port := listenSomewhere(t)
	_, err := testservers.StartRedis(t.Context(), testservers.RedisOptions{Port: port})
	wantFault(t, err, "is in use")
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := testservers.StartRedis(ctx, testservers.RedisOptions{})
	wantFault(t, err, "context canceled")
}

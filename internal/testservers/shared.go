package testservers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// KafkaFor returns the Kafka that the tests of this process share, starting it when t is the first to ask.
func KafkaFor(t testing.TB) Kafka { t.Helper(); return sharedKafka.get(t) }

// RedisFor returns the Redis that the tests of this process share, starting it when t is the first to ask.
func RedisFor(t testing.TB) Redis { t.Helper(); return sharedRedis.get(t) }

// RegistryFor returns the schema registry that the tests of this process share, starting it when t is the
// first to ask.
func RegistryFor(t testing.TB) Registry { t.Helper(); return sharedRegistry.get(t) }

var (
	sharedKafka = shared[Kafka]{
		kind: "kafka", env: KafkaEnv,
		given:    func(addr string) Kafka { return Kafka{Brokers: splitList(addr), Real: true} },
		real:     realKafka,
		embedded: func() (Kafka, io.Closer, error) { return embeddedKafka() },
	}
	sharedRedis = shared[Redis]{
		kind: "redis", env: RedisEnv,
		given:    func(addr string) Redis { return Redis{Addr: addr, Real: true} },
		real:     realRedis,
		embedded: embeddedRedis,
	}
	sharedRegistry = shared[Registry]{
		kind: "registry", env: RegistryEnv,
		given:    func(addr string) Registry { return Registry{URL: addr, Real: true} },
		real:     realRegistry,
		embedded: embeddedRegistry,
	}
)

func splitList(s string) []string {
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func realKafka(ctx context.Context) (Kafka, io.Closer, error) {
	s, err := StartKafka(ctx, KafkaOptions{})
	if err != nil {
		return Kafka{}, nil, err
	}
	return Kafka{Brokers: s.Brokers(), Real: true}, s, nil
}

func realRedis(ctx context.Context) (Redis, io.Closer, error) {
	s, err := StartRedis(ctx, RedisOptions{})
	if err != nil {
		return Redis{}, nil, err
	}
	return Redis{Addr: s.Addr(), Real: true}, s, nil
}

func realRegistry(ctx context.Context) (Registry, io.Closer, error) {
	s, err := StartRegistry(ctx, RegistryOptions{})
	if err != nil {
		return Registry{}, nil, err
	}
	return Registry{URL: s.URL(), Real: true}, s, nil
}

// shared is one server of a kind for all tests of this process, found when first asked for.
type shared[T any] struct {
	kind, env string
	given     func(address string) T
	real      func(context.Context) (T, io.Closer, error)
	embedded  func() (T, io.Closer, error)

	once   sync.Once
	server T
	err    error
}

func (s *shared[T]) get(t testing.TB) T {
	t.Helper()
	s.once.Do(func() { s.err = s.find(t) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

func (s *shared[T]) find(t testing.TB) error {
	t.Helper()
	address := os.Getenv(s.env)
	if address != "" && address != Embedded {
		s.server = s.given(address)
		return nil
	}
	why := s.tryReal(t, address)
	if why == nil {
		return nil
	}
	if RequireReal() {
		return fmt.Errorf("LEAT_REQUIRE_REAL=1 and no real %s: %w", s.kind, why)
	}
	t.Logf("embedded %s, because: %v", s.kind, why)
	return s.own(s.embedded())
}

// tryReal starts a real server unless the embedded one is asked for. It returns why there is none.
func (s *shared[T]) tryReal(t testing.TB, address string) error {
	t.Helper()
	if address == Embedded {
		return fmt.Errorf("%s=%s", s.env, Embedded)
	}
	if !mainRuns.Load() {
		return errors.New("this package's TestMain does not call testservers.Main, which would stop a real one")
	}
	err := s.own(s.real(context.WithoutCancel(t.Context()))) // outlives t
	if err != nil {
		stand.note(s.kind)
	}
	return err
}

// own takes a server that this process has started and keeps it until the end of Main.
func (s *shared[T]) own(server T, closer io.Closer, err error) error {
	if err != nil {
		return err
	}
	s.server = server
	stand.add(closer)
	return nil
}

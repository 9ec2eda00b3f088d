package testservers

import (
	"fmt"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leat-go/leat/internal/testservers/avrocheck"
)

// EmbeddedKafka starts an imitation of Kafka for t alone and closes it at the end of t. It has one broker,
// five partitions by default, and creates no topics by itself; opts come on top.
func EmbeddedKafka(t testing.TB, opts ...kfake.Opt) Kafka {
	t.Helper()
	return private(t, func() (Kafka, io.Closer, error) { return embeddedKafka(opts...) })
}

// EmbeddedRedis starts an imitation of Redis for t alone and closes it at the end of t.
func EmbeddedRedis(t testing.TB) Redis {
	t.Helper()
	return private(t, embeddedRedis)
}

// EmbeddedRegistry starts an imitation of a schema registry for t alone and closes it at the end of t. It
// refuses invalid and incompatible Avro schemas like a real one; its level is BACKWARD.
func EmbeddedRegistry(t testing.TB) Registry {
	t.Helper()
	return private(t, embeddedRegistry)
}

// private starts a server that is closed at the end of t.
func private[T any](t testing.TB, start func() (T, io.Closer, error)) T {
	t.Helper()
	server, c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return server
}

type closerFunc func()

func (f closerFunc) Close() error { f(); return nil }

func embeddedKafka(opts ...kfake.Opt) (Kafka, io.Closer, error) {
	base := []kfake.Opt{
		kfake.NumBrokers(1), kfake.DefaultNumPartitions(5), kfake.GroupMinSessionTimeout(minSession),
	}
	c, err := kfake.NewCluster(append(base, opts...)...)
	if err != nil {
		return Kafka{}, nil, fmt.Errorf("start embedded kafka: %w", err)
	}
	return Kafka{Brokers: c.ListenAddrs()}, closerFunc(c.Close), nil
}

// minSession is the shortest session timeout that the Kafkas here accept, so that tests of lost members
// need not wait long.
const minSession = time.Second

func embeddedRedis() (Redis, io.Closer, error) {
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return Redis{}, nil, fmt.Errorf("start embedded redis: %w", err)
	}
	return Redis{Addr: m.Addr()}, closerFunc(m.Close), nil
}

func embeddedRegistry() (Registry, io.Closer, error) {
	fake := srfake.NewRegistry(srfake.WithGlobalCompat(sr.CompatBackward))
	s := httptest.NewServer(avrocheck.Handler(fake.Handler()))
	return Registry{URL: s.URL}, closerFunc(s.Close), nil
}

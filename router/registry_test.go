package router_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// moody is JSON that depends on something that may be away.
type moody struct {
	codec.Codec
	away atomic.Bool
}

func (m *moody) mood() error {
	if m.away.Load() {
		return fmt.Errorf("registry: %w", codec.ErrUnavailable)
	}
	return nil
}

func (m *moody) Ready() error { return m.mood() }

func (m *moody) Encode(ctx context.Context, dst []byte, s codec.Subject, v any) ([]byte, []codec.Header, error) {
	if err := m.mood(); err != nil {
		return dst, nil, err
	}
	return m.Codec.Encode(ctx, dst, s, v)
}

func (m *moody) Decode(ctx context.Context, data []byte, h codec.Headers, into any) error {
	if err := m.mood(); err != nil {
		return err
	}
	return m.Codec.Decode(ctx, data, h, into)
}

func TestARegistryThatIsAwayIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		in, out topics.Format
		handle  func(ctx context.Context, o order) error
	}{
		"to decode":          {in: topics.Avro, out: topics.JSON},
		"to encode a result": {in: topics.JSON, out: topics.Avro},
		"to publish from within the handler": {in: topics.JSON, out: topics.JSON, handle: func(ctx context.Context, o order) error {
			return router.Publish(ctx, topics.Event[receipt]{Name: "notes", Format: topics.Avro}, receipt{o.ID})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, b *memory.Broker) {
				t.Helper()
				m := &moody{Codec: codec.JSON}
				r := newRouter(b, router.Codec(topics.Avro, m))
				var got lines
				in := topics.Event[order]{Name: "in", Key: func(o order) string { return o.Key }, Format: c.in}
				router.Work(r, in, topics.Event[receipt]{Name: "out", Format: c.out}, func(ctx context.Context, o order) (receipt, error) {
					if c.handle != nil {
						if err := c.handle(ctx, o); err != nil {
							return receipt{}, err
						}
					}
					got.add("%s attempt %d", o.ID, router.Meta(ctx).Attempt)
					return receipt{o.ID}, nil
				}, router.Name("w"), router.Retry(0, router.Backoff{}))
				running(t, r)
				p := router.NewPublisher(r, in)
				if err := p.Publish(t.Context(), order{ID: "warm", Key: "k"}); err != nil {
					t.Fatal(err)
				}
				elapse(time.Second)
				m.away.Store(c.in != topics.Avro)
				if err := p.Publish(t.Context(), order{ID: "cold", Key: "k"}); err != nil {
					t.Fatal(err)
				}
				m.away.Store(true)
				elapse(time.Minute)
				if err := r.Ready(); err == nil || err.Error() != "avro messages wait: registry: codec temporarily unavailable" {
					t.Errorf("ready while the registry is away: %v", err)
				}
				waits := r.Stats().SchemaWaits
				if waits < 50 || waits > 62 {
					t.Errorf("%d waits counted in a minute", waits)
				}
				m.away.Store(false)
				elapse(time.Minute)
				if more := r.Stats().SchemaWaits - waits; more > 1 {
					t.Errorf("%d waits counted after the registry came back", more)
				}
				if err := r.Ready(); err != nil {
					t.Errorf("not ready after the registry came back: %v", err)
				}
				if diff := cmp.Diff([]string{"warm attempt 1", "cold attempt 1"}, got.all()); diff != "" {
					t.Error(diff)
				}
				if n := len(b.Records("out")); n != 2 || len(b.Records("in.dlq")) != 0 || b.Unfinished() != 0 {
					t.Errorf("%d results, %d dead letters, %d unfinished", n, len(b.Records("in.dlq")), b.Unfinished())
				}
			})
		})
	}
}

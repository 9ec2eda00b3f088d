package redis

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// meddler does something right after a lease was looked at.
type meddler struct{ meddle func() }

func (meddler) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m meddler) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "get" {
			m.meddle()
		}
		return err
	}
}

func (meddler) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestBacklogIsReadByTheOwnerAlone(t *testing.T) {
	t.Parallel()
	set := func(c redis.Cmdable, key string, value any) { c.Set(context.Background(), key, value, 0) }
	tests := map[string]struct {
		lease  string
		meddle func(c redis.Cmdable, lease string)
		reads  bool
	}{
		"held":                     {lease: "mine|99", reads: true},
		"held by another":          {lease: "other|99"},
		"gone":                     {},
		"taken over meanwhile":     {lease: "mine|99", meddle: func(c redis.Cmdable, lease string) { set(c, lease, "other|99") }},
		"run out meanwhile":        {lease: "mine|99", meddle: func(c redis.Cmdable, lease string) { c.Del(context.Background(), lease) }},
		"taken and back meanwhile": {lease: "mine|99", meddle: func(c redis.Cmdable, lease string) { set(c, lease, "other|99"); set(c, lease, "mine|99") }},
	}
	for server, addr := range map[string]string{"embedded": testservers.EmbeddedRedis(t).Addr, "server": testservers.RedisFor(t).Addr} {
		for name, test := range tests {
			t.Run(name+" on "+server, func(t *testing.T) {
				r := readerOn(t, addr)
				keys, c := r.o.keys, redis.NewClient(&redis.Options{Addr: addr})
				t.Cleanup(func() { _ = c.Close() })
				if test.lease != "" {
					set(c, keys.lease, test.lease)
				}
				if test.meddle != nil {
					r.o.client().AddHook(meddler{func() { test.meddle(c, keys.lease) }})
				}
				p := newPage()
				done, err := r.readBacklog(t.Context(), p, ">", 10)
				if err != nil || done != test.reads {
					t.Fatalf("read: %v, error: %v", done, err)
				}
				pending, err := c.XPending(t.Context(), keys.stream, "g").Result()
				if err != nil || pending.Count == 3 != test.reads {
					t.Fatalf("%d pending, error: %v", pending.Count, err)
				}
				es, err := entriesOf(p)
				if test.reads && (err != nil || len(es) != 3 || es[2].Fields[1] != "2") {
					t.Errorf("got %v, error: %v", es, err)
				}
				if !test.reads && p.Len() > 0 {
					t.Errorf("the page of a read that did not happen says %q", p.Bytes())
				}
			})
		}
	}
}

// TestManyAcknowledgementsAreThoseOfTheOwner takes the lease away before and amid.
func TestManyAcknowledgementsAreThoseOfTheOwner(t *testing.T) {
	t.Parallel()
	set := func(c redis.Cmdable, key string, value any) { c.Set(context.Background(), key, value, 0) }
	tests := map[string]struct {
		lease  string
		meddle func(c redis.Cmdable, lease string)
		want   error
	}{
		"held":                 {lease: "mine|99"},
		"held by another":      {lease: "other|99", want: errLost},
		"taken over meanwhile": {lease: "mine|99", meddle: func(c redis.Cmdable, lease string) { set(c, lease, "other|99") }, want: errLost},
		"run out meanwhile":    {lease: "mine|99", meddle: func(c redis.Cmdable, lease string) { c.Del(context.Background(), lease) }, want: errVanished},
	}
	for server, addr := range map[string]string{"embedded": testservers.EmbeddedRedis(t).Addr, "server": testservers.RedisFor(t).Addr} {
		for name, test := range tests {
			t.Run(name+" on "+server, func(t *testing.T) {
				r := readerOn(t, addr)
				keys, c := r.o.keys, redis.NewClient(&redis.Options{Addr: addr})
				t.Cleanup(func() { _ = c.Close() })
				set(c, keys.lease, test.lease)
				ids := pendingIDs(t, r, c)
				if test.meddle != nil {
					r.o.client().AddHook(meddler{func() { test.meddle(c, keys.lease) }})
				}
				if err := r.o.acknowledge(t.Context(), ids, nil); !errors.Is(err, test.want) {
					t.Fatalf("error: %v", err)
				}
				left := c.XPending(t.Context(), keys.stream, "g").Val().Count + c.HLen(t.Context(), keys.state).Val()
				if want := map[bool]int64{true: 0, false: int64(len(ids)) + 1}[test.want == nil]; left != want {
					t.Errorf("%d pending and noted, not %d", left, want)
				}
			})
		}
	}
}

// pendingIDs are entries that wait for their acknowledgement; an attempt of the first is noted.
func pendingIDs(t *testing.T, r *reader, c *redis.Client) (ids []string) {
	t.Helper()
	for i := range manyAcks {
		c.XAdd(t.Context(), &redis.XAddArgs{Stream: r.o.keys.stream, Values: []any{"n", i}})
	}
	read, err := c.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: "g", Consumer: r.o.consumer, Streams: []string{r.o.keys.stream, ">"}}).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, en := range read[0].Messages {
		ids = append(ids, en.ID)
	}
	c.HSet(t.Context(), r.o.keys.state, ids[0], "2 0 0")
	r.o.acks.noted.Store(true)
	return ids
}

// readerOn is the reader of an owner with the token "mine" of a stream with three entries.
func readerOn(t *testing.T, addr string) *reader {
	t.Helper()
	b, err := New(settings.Redis{URL: settings.URL("redis://" + addr + "/0")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	m := &member{b: b, group: broker.Group{Name: "g"}, log: b.log}
	in := &intake{m: m, sub: &broker.Subscription{Topic: testservers.Unique(t, "orders")}}
	o := newOwner(in, 0)
	o.token = "mine"
	for i := range 3 {
		b.client.XAdd(t.Context(), &redis.XAddArgs{Stream: o.keys.stream, Values: []any{"n", i}})
	}
	if err := b.client.XGroupCreate(t.Context(), o.keys.stream, "g", "0").Err(); err != nil {
		t.Fatal(err)
	}
	o.reader.init(o, mark{}, "")
	return &o.reader
}

// TestBacklogLeavesNothingWatched ends a read in its midst, with a pool of one connection,
// which another transaction needs next.
func TestBacklogLeavesNothingWatched(t *testing.T) {
	t.Parallel()
	addr := testservers.RedisFor(t).Addr
	r := readerOn(t, addr)
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	_ = r.o.client().Close()
	r.o.in.m.b.client = redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1, Protocol: 2, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = r.o.client().Close() })
	ctx, cancel := context.WithCancel(t.Context())
	r.o.client().AddHook(meddler{cancel})
	c.Set(t.Context(), r.o.keys.lease, "other|99", 0)
	if done, err := r.readBacklog(ctx, newPage(), ">", 10); done || err != nil {
		t.Fatalf("read: %v, error: %v", done, err)
	}
	c.Del(t.Context(), r.o.keys.lease)
	_, err := r.o.client().TxPipelined(t.Context(), func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() })
	if err != nil {
		t.Errorf("the next transaction on the connection: %v", err)
	}
}

package redis

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

// TestAStaleTokenDoesNothing has a lease that ran out and was taken by another member.
func TestAStaleTokenDoesNothing(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]testservers.Redis{"embedded": testservers.EmbeddedRedis(t), "server": testservers.RedisFor(t)} {
		t.Run(name, func(t *testing.T) { t.Parallel(); staleToken(t, server.Addr) })
	}
}

func staleToken(t *testing.T, addr string) {
	t.Helper()
	ctx := t.Context()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	k := keysOf(testservers.Unique(t, "stale"), "g")
	for range 3 {
		c.XAdd(ctx, &redis.XAddArgs{Stream: k.stream, Values: []string{"a", "b"}})
	}
	c.XGroupCreate(ctx, k.stream, "g", "0")
	take := func(name string) string {
		token, err := acquireScript.Run(ctx, c, []string{k.lease, k.fence, k.seen}, name, time.Minute.Milliseconds(), "g").Text()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	old := take("first:1")
	c.Del(ctx, k.lease) // as time does
	calls := map[string]func(token string) *redis.Cmd{
		"read": func(token string) *redis.Cmd {
			return readScript.Run(ctx, c, []string{k.lease, k.stream}, token, "g", consumer, 2, ">")
		},
		"read what is pending": func(token string) *redis.Cmd {
			return readScript.Run(ctx, c, []string{k.lease, k.stream}, token, "g", consumer, 2, "0")
		},
		"acknowledge": func(token string) *redis.Cmd {
			first := c.XRange(ctx, k.stream, "-", "+").Val()[0]
			return ackScript.Run(ctx, c, []string{k.lease, k.stream, k.state}, token, "g", 1, "1-1", "1 0 0", first.ID)
		},
		"renew": func(token string) *redis.Cmd {
			return renewScript.Run(ctx, c, []string{k.lease, k.seen}, token, 60_000, "g")
		},
		"retake": func(token string) *redis.Cmd { return retakeScript.Run(ctx, c, []string{k.lease}, token, 60_000) },
	}
	refused(t, calls, old, vanished, "retake")
	c.Del(ctx, k.lease) // which was taken again
	token := take("second:1")
	c.Del(ctx, k.seen)
	refused(t, calls, old, heldByOther, "")
	if n := releaseScript.Run(ctx, c, []string{k.lease}, old).Val(); n != int64(0) || c.Exists(ctx, k.lease).Val() != 1 {
		t.Errorf("a stale token released the lease: %v", n)
	}
	untouched(ctx, t, c, k)
	if got, ok := calls["read"](token).Val().([]any); !ok || len(got) != 2 {
		t.Errorf("the owner reads %v", got)
	}
}

// refused calls everything but what is let through with a token.
func refused(t *testing.T, calls map[string]func(string) *redis.Cmd, token string, want int64, but string) {
	t.Helper()
	for what, call := range calls {
		if what == but {
			continue
		}
		if got := call(token).Val(); got != want {
			t.Errorf("%s with a stale token: %v, want %d", what, got, want)
		}
	}
}

// untouched judges that nothing was read, acknowledged or noted.
func untouched(ctx context.Context, t *testing.T, c *redis.Client, k sideKeys) {
	t.Helper()
	groups := c.XInfoGroups(ctx, k.stream).Val()
	if len(groups) != 1 || parseID(groups[0].LastDeliveredID) != (entryID{}) || groups[0].Pending != 0 {
		t.Errorf("a stale token read: %+v", groups)
	}
	if n := c.Exists(ctx, k.state, k.seen).Val(); n != 0 {
		t.Error("a stale token noted something")
	}
}

package redis

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

func wakersOn(t *testing.T, addr string) *wakers {
	t.Helper()
	ws := newWakers(&redis.UniversalOptions{Addrs: []string{addr}})
	t.Cleanup(ws.close)
	return ws
}

// TestFewStreamsHaveAWakerEach goes through more streams than there are wakers, and one that
// leaves makes room for the next.
func TestFewStreamsHaveAWakerEach(t *testing.T) {
	t.Parallel()
	ws := wakersOn(t, testservers.EmbeddedRedis(t).Addr)
	var done []func()
	streams := map[*waker]int{}
	for i := range 2*sharedWakes + 1 {
		s, end := ws.sleeper(t.Context(), testservers.Unique(t, "orders"))
		done = append(done, end)
		if streams[s.w]++; streams[s.w] > i/sharedWakes+1 {
			t.Errorf("stream %d is the number %d of its waker", i, streams[s.w])
		}
	}
	if len(streams) != sharedWakes {
		t.Errorf("%d wakers, not %d", len(streams), sharedWakes)
	}
	done[1]()
	done[1+sharedWakes]()
	if s, _ := ws.sleeper(t.Context(), "next"); s.w.load() != 1 {
		t.Errorf("the next stream has a waker with %d", s.w.load())
	}
}

// TestAReaderIsWokenWhileOthersSleep has one that falls asleep behind a waker that is blocked
// already: it sleeps until its stream grows, and does not look in between.
func TestAReaderIsWokenWhileOthersSleep(t *testing.T) {
	t.Parallel()
	for server, addr := range map[string]string{"embedded": testservers.EmbeddedRedis(t).Addr, "server": testservers.RedisFor(t).Addr} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			ws, c := wakersOn(t, addr), redis.NewClient(&redis.Options{Addr: addr})
			t.Cleanup(func() { _ = c.Close() })
			first, _ := ws.sleeper(t.Context(), testservers.Unique(t, "first"))
			awaitCovered(t, first)
			stream := testservers.Unique(t, "second")
			second, _ := ws.sleeper(t.Context(), stream)
			awaitCovered(t, second)
			c.XAdd(context.Background(), &redis.XAddArgs{Stream: stream, Values: []any{"n", 1}})
			select {
			case <-second.signal:
			case <-time.After(20 * time.Second):
				t.Error("nobody woke the reader")
			}
		})
	}
}

// awaitCovered puts a reader to sleep until its waker waits for its stream.
func awaitCovered(t *testing.T, s *sleeper) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); s.settle("0-0") != lookLate; {
		if time.Now().After(deadline) {
			t.Fatal("the waker does not wait for the stream")
		}
		<-time.After(time.Millisecond)
	}
}

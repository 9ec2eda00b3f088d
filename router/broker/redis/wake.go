package redis

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	wakeBlock = time.Second // of one XREAD
	wakePause = 5 * time.Millisecond
	// An idle reader looks by itself too: soon while the waker does not block on its stream
	// yet, late as a safeguard.
	lookSoon, lookOften, lookLate = 2 * time.Millisecond, 40 * time.Millisecond, time.Second
)

const (
	// sharedWakes is how many wakers of a member share its streams. One that is blocked does
	// not wait for a stream whose reader fell asleep meanwhile: with a waker each, or almost,
	// no reader waits for the messages of another partition.
	sharedWakes = 8
	// clusterWakes is how many streams of a cluster a member waits for at most; it looks at
	// the others from time to time.
	clusterWakes = 1024
)

// wakers are what a member waits with: a few for all its streams, in a cluster one for each,
// since no command reads streams of several nodes. They share a client.
type wakers struct {
	client  redis.UniversalClient
	cluster bool
	running sync.WaitGroup

	mu     sync.Mutex
	shared []*waker // none in a cluster
}

func newWakers(o *redis.UniversalOptions) *wakers {
	own := *o
	own.PoolSize = sharedWakes
	if o.IsClusterMode {
		own.PoolSize = clusterWakes
	}
	return &wakers{client: newClient(&own), cluster: o.IsClusterMode}
}

func (ws *wakers) start(ctx context.Context) *waker {
	w := newWaker(ctx, ws.client)
	ws.running.Go(func() { <-w.ended })
	return w
}

// sleeper returns what waits for a stream to grow, and what ends it.
func (ws *wakers) sleeper(ctx context.Context, stream string) (*sleeper, func()) {
	if ws.cluster {
		w := ws.start(ctx)
		return w.sleeper(stream), w.stop
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	s := ws.least(ctx).sleeper(stream)
	return s, s.close
}

// least returns the waker with the fewest streams.
func (ws *wakers) least(ctx context.Context) *waker {
	var least *waker
	for _, w := range ws.shared {
		if least == nil || w.load() < least.load() {
			least = w
		}
	}
	if least == nil || least.load() > 0 && len(ws.shared) < sharedWakes {
		least = ws.start(ctx)
		ws.shared = append(ws.shared, least)
	}
	return least
}

// close ends all of them and the calls in which they are blocked.
func (ws *wakers) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.shared {
		w.stop()
	}
	_ = ws.client.Close()
	ws.running.Wait()
}

// waker tells readers that their streams have grown. One XREAD BLOCK on a connection of its
// own waits for those that it has; it only wakes, the readers read.
type waker struct {
	client redis.UniversalClient
	mu     sync.Mutex
	all    map[*sleeper]struct{}
	change chan struct{}
	stop   context.CancelFunc
	ended  chan struct{}
}

// sleeper is a reader that sleeps while there is nothing to read.
type sleeper struct {
	w      *waker
	stream string
	signal chan struct{}

	// Guarded by the waker's lock.
	after   string // id of the last entry that the reader knows
	quiet   bool   // the reader found nothing
	covered bool   // the waker blocks on its stream
	look    time.Duration
}

// newWaker starts a waker, which lives until it is stopped. A blocked call ends late, or
// when the client is closed.
func newWaker(ctx context.Context, c redis.UniversalClient) *waker {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &waker{
		client: c, all: map[*sleeper]struct{}{},
		change: make(chan struct{}, 1), stop: cancel, ended: make(chan struct{}),
	}
	go w.run(ctx)
	return w
}

func (w *waker) sleeper(stream string) *sleeper {
	s := &sleeper{w: w, stream: stream, signal: make(chan struct{}, 1), look: lookSoon}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[s] = struct{}{}
	return s
}

// load is how many streams it has.
func (w *waker) load() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all)
}

func (s *sleeper) close() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	delete(s.w.all, s)
}

// busy says that there was something to read.
func (s *sleeper) busy() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.quiet, s.covered, s.look = false, false, lookSoon
}

// sleep returns when the stream may have entries after that id, when kicked, or to look.
func (s *sleeper) sleep(ctx context.Context, after string, kick <-chan struct{}) {
	t := time.NewTimer(s.settle(after))
	defer t.Stop()
	select {
	case <-s.signal:
	case <-kick:
	case <-t.C:
	case <-ctx.Done():
	}
}

// settle says that there is nothing after that id and returns how long to sleep.
func (s *sleeper) settle(after string) time.Duration {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if !s.quiet || s.after != after {
		s.quiet, s.covered, s.after, s.look = true, false, after, lookSoon
		notify(s.w.change)
	}
	if s.covered {
		return lookLate
	}
	s.look = min(2*s.look, lookOften)
	return s.look
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *waker) run(ctx context.Context) {
	defer close(w.ended)
	for ctx.Err() == nil {
		quiet := w.cover()
		if len(quiet) == 0 {
			select {
			case <-w.change:
			case <-ctx.Done():
			}
			continue
		}
		w.block(ctx, quiet)
	}
}

// cover returns the quiet readers by their streams; the next XREAD waits for them.
func (w *waker) cover() map[string]*sleeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	quiet := map[string]*sleeper{}
	for s := range w.all {
		if s.covered = s.quiet; s.quiet {
			quiet[s.stream] = s
		}
	}
	return quiet
}

func (w *waker) block(ctx context.Context, quiet map[string]*sleeper) {
	grown, err := w.client.XRead(ctx, &redis.XReadArgs{Streams: w.args(quiet), Count: 1, Block: wakeBlock}).Result()
	switch {
	case err == nil:
		w.wake(grown, quiet)
		w.await(ctx, wakePause)
	case !errors.Is(err, redis.Nil):
		w.uncover()
		_ = pause(ctx, lookOften)
	}
}

// args are the streams and, behind all of them, their ids.
func (w *waker) args(quiet map[string]*sleeper) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var streams, ids []string
	for name, s := range quiet {
		streams, ids = append(streams, name), append(ids, s.after)
	}
	return append(streams, ids...)
}

func (w *waker) wake(grown []redis.XStream, quiet map[string]*sleeper) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range grown {
		if s := quiet[g.Stream]; s != nil {
			s.quiet, s.covered = false, false
			notify(s.signal)
		}
	}
}

// await gives the readers that were woken the time to come back.
func (w *waker) await(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.change:
	case <-t.C:
	case <-ctx.Done():
	}
}

func (w *waker) uncover() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.all {
		s.covered = false
	}
}

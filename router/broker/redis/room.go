package redis

import (
	"context"
	"sync"
)

// room is a bounded number of bytes. What is larger than all of it is let in when nothing
// else is.
type room struct {
	mu    sync.Mutex
	size  int64
	used  int64
	queue []*waiter
}

type waiter struct {
	n     int64
	ready chan struct{}
}

func newRoom(size int64) *room { return &room{size: size} }

// take waits for n bytes, first come first served.
func (r *room) take(ctx context.Context, n int64) error {
	r.mu.Lock()
	if len(r.queue) == 0 && r.fits(n) {
		r.used += n
		r.mu.Unlock()
		return nil
	}
	w := &waiter{n, make(chan struct{})}
	r.queue = append(r.queue, w)
	r.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return r.leave(w, ctx.Err())
	}
}

func (r *room) fits(n int64) bool { return r.used == 0 || r.used+n <= r.size }

// leave takes w out of the queue, or gives back what it was given meanwhile.
func (r *room) leave(w *waiter, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, o := range r.queue {
		if o == w {
			r.queue = append(r.queue[:i], r.queue[i+1:]...)
			r.admit()
			return err
		}
	}
	r.used -= w.n
	r.admit()
	return err
}

func (r *room) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= n
	r.admit()
}

func (r *room) admit() {
	for len(r.queue) > 0 && r.fits(r.queue[0].n) {
		r.used += r.queue[0].n
		close(r.queue[0].ready)
		r.queue = r.queue[1:]
	}
}

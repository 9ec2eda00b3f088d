package kafka

import (
	"context"
	"slices"
	"sync"
)

// budget is room for what waits in a producer. Who waits for room gets it in turn.
type budget struct {
	total int64

	mu    sync.Mutex
	free  int64
	queue []*claim
}

type claim struct {
	n       int64
	granted chan struct{}
}

func newBudget(total int64) *budget { return &budget{total: total, free: total} }

// take waits until n are free or ctx ends. More than there is in all waits for all of it.
func (b *budget) take(ctx context.Context, n int64) error {
	if b.tryTake(n) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.wait(ctx, b.enqueue(n))
}

func (b *budget) tryTake(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, b.total)
	if len(b.queue) > 0 || b.free < n {
		return false
	}
	b.free -= n
	return true
}

func (b *budget) enqueue(n int64) *claim {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &claim{n: min(n, b.total), granted: make(chan struct{})}
	b.queue = append(b.queue, c)
	b.grant()
	return c
}

func (b *budget) wait(ctx context.Context, c *claim) error {
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
		return b.withdraw(ctx, c)
	}
}

func (b *budget) withdraw(ctx context.Context, c *claim) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.queue, c)
	if i < 0 { // granted meanwhile
		return nil
	}
	b.queue = slices.Delete(b.queue, i, i+1)
	b.grant()
	return ctx.Err()
}

// give returns what take took.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += min(n, b.total)
	b.grant()
}

func (b *budget) grant() {
	for len(b.queue) > 0 && b.queue[0].n <= b.free {
		b.free -= b.queue[0].n
		close(b.queue[0].granted)
		b.queue[0] = nil
		b.queue = b.queue[1:]
	}
}

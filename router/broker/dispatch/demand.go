package dispatch

import (
	"context"
	"sync"
)

// enough is how many items may wait for a worker when no more are asked for. Workers with fast handlers are
// through with them in some milliseconds, which is sooner than they leave the processor's caches: with three
// times as many a message costs an eighth more CPU time.
const enough = 1000

// AwaitDemand returns when workers are going to want more: few items wait for one, or a worker waits because
// the keys of all that do are held up. A caller with more in hand may feed it earlier, the bounds say how much.
// It returns also when ctx ends.
func (e *Engine[T]) AwaitDemand(ctx context.Context) {
	select {
	case <-e.whenDemanded():
	case <-ctx.Done():
	}
}

func (e *Engine[T]) whenDemanded() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.demanded == nil {
		e.demanded = make(chan struct{})
	}
	came := e.demanded
	e.checkDemand()
	return came
}

// checkDemand tells those who wait in AwaitDemand.
func (e *Engine[T]) checkDemand() {
	starving := e.idle > 0 && e.ready.head == nil
	if e.demanded != nil && (e.load.queued <= enough || starving) {
		close(e.demanded)
		e.demanded = nil
	}
}

// await has a worker wait for something to do.
func (e *Engine[T]) await(c *sync.Cond) {
	e.idle++
	e.checkDemand()
	c.Wait()
	e.idle--
}

package dispatch

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Defaults of the bounds.
const (
	DefaultRecords = 10_000
	DefaultBytes   = 64 << 20
	DefaultSpan    = 100_000
)

// Config says what an engine does with what it is fed.
type Config[T any] struct {
	// Concurrency is how many handlers run at once. Default 1.
	Concurrency int
	// Unordered gives every message without a key a line of its own.
	Unordered bool
	// Run handles one item, RunBatch several; one of them is set. They must end every item:
	// by Release, Done, Park or Return.
	Run      func(*Item[T])
	RunBatch func([]*Item[T])
	// BatchSize and BatchWait apply with RunBatch: a batch is full at BatchSize (default 1)
	// and handed over at the latest BatchWait after its first item.
	BatchSize int
	BatchWait time.Duration
	// Records and Bytes bound what is delivered and not done, Span the distance from the
	// oldest unfinished to the newest delivered item of a partition, counted in items.
	// Defaults: DefaultRecords, DefaultBytes, DefaultSpan.
	Records int
	Bytes   int64
	Span    int
	// Resume tells that a partition for which Feed returned true may be fed again. Optional.
	// It may come before the caller of Feed has acted on the result: take a lock over both.
	Resume func(*Partition[T])
	// Finished is called once for every item that is done, in no particular order, and
	// Parked whenever an item is parked, before it can run again. Optional; they may block,
	// and Revoke waits for them.
	Finished func(*Item[T])
	Parked   func(*Item[T])
	// Moved is called whenever an item is done or parked: there is something to commit.
	// Optional; it must be quick and not call the engine.
	Moved func()
}

// Engine runs handlers for the partitions of one topic that one group member owns.
type Engine[T any] struct {
	cfg  Config[T]
	mu   sync.Mutex
	work *sync.Cond // idle workers wait on it for ready, tasks and closed

	parts  map[*Partition[T]]struct{}
	paused map[*Partition[T]]struct{}
	ready  lanes[T] // lanes whose next item may run
	tasks  lanes[T] // lanes with a function to run
	load   load
	idle   int // workers that wait for something to do

	filling  *filling[T]   // the batch that a worker fills
	more     *sync.Cond    // what that worker waits on
	calls    uint64        // calls of handlers so far
	demanded chan struct{} // see AwaitDemand; nil while nobody waits there
	closed   bool
}

// New starts an engine. Close stops its workers.
func New[T any](cfg Config[T]) *Engine[T] {
	e := &Engine[T]{cfg: cfg.withDefaults(), parts: map[*Partition[T]]struct{}{}, paused: map[*Partition[T]]struct{}{}}
	e.work, e.more = sync.NewCond(&e.mu), sync.NewCond(&e.mu)
	for range e.cfg.Concurrency {
		go e.loop() // until Close
	}
	return e
}

func (c Config[T]) withDefaults() Config[T] {
	c.Concurrency = max(c.Concurrency, 1)
	c.BatchSize = max(c.BatchSize, 1)
	if c.Moved == nil {
		c.Moved = func() {}
	}
	if c.Records <= 0 {
		c.Records = DefaultRecords
	}
	if c.Bytes <= 0 {
		c.Bytes = DefaultBytes
	}
	if c.Span <= 0 {
		c.Span = DefaultSpan
	}
	return c
}

// Assign starts a generation of a partition: what belongs to an earlier one is ignored from
// the moment that one is revoked or dropped. next is the position to begin at.
func (e *Engine[T]) Assign(id int32, next int64) *Partition[T] {
	ctx, cancel := context.WithCancelCause(context.Background())
	p := &Partition[T]{ID: id, e: e, next: next, lanes: map[string]*lane[T]{}, ctx: ctx, cancel: cancel, idle: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		p.closeLocked()
		return p
	}
	e.parts[p] = struct{}{}
	return p
}

// Drain revokes all partitions together, see [Partition.Revoke].
func (e *Engine[T]) Drain(ctx context.Context) {
	e.mu.Lock()
	ps := slices.Collect(maps.Keys(e.parts))
	e.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range ps {
		wg.Go(func() { p.Revoke(ctx) })
	}
	wg.Wait()
}

// Close drops all partitions and stops the workers. It does not wait for handlers that still
// run: Drain does.
func (e *Engine[T]) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for p := range e.parts {
		p.closeLocked()
	}
	e.work.Broadcast()
}

// Stats counts items by where they are.
type Stats struct {
	Delivered int // fed and not done
	Paused    int // partitions at a bound
}

// Stats returns the counts of this moment.
func (e *Engine[T]) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{Delivered: int(e.load.records), Paused: len(e.paused)}
}

package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

type (
	item      = dispatch.Item[*broker.Record]
	partition = dispatch.Partition[*broker.Record]
)

// intake is one subscription of a member: its engine and the partitions in its hands.
type intake struct {
	m      *member
	sub    *broker.Subscription
	engine *dispatch.Engine[*broker.Record]
	ready  atomic.Bool
	why    atomic.Pointer[string] // it is not ready, nil for want of partitions
	kick   chan struct{}          // balance now
	work   sync.WaitGroup

	byPart sync.Map // of *partition to handling

	trimmed time.Time // when the partitions were trimmed last; the loop's own

	mu         sync.Mutex
	partitions int
	owners     map[int32]*owner
	resume     map[int32]mark // of partitions that were owned before
	closed     bool
	taken      int // leases taken so far
}

// mark says that everything up to id was finished while that process of the server ran.
type mark struct {
	id  entryID
	run string
}

// handling is what the engine reports to about the items of a partition.
type handling interface {
	// mayRun is asked before an item runs.
	mayRun() bool
	finished(it *item)
	parked(it *item)
}

func (in *intake) config() dispatch.Config[*broker.Record] {
	s := in.sub
	c := dispatch.Config[*broker.Record]{
		Concurrency: s.Concurrency, Unordered: s.Unordered,
		BatchSize: s.BatchSize, BatchWait: s.BatchWait,
		Records: s.Bounds.Records, Bytes: s.Bounds.Bytes, Span: s.Bounds.Span,
		Finished: func(it *item) { in.report(it, handling.finished) },
		Parked:   func(it *item) { in.report(it, handling.parked) },
	}
	if s.HandleBatch != nil {
		c.RunBatch = in.runBatch
	} else {
		c.Run = in.run
	}
	return c
}

func (in *intake) run(it *item) {
	if in.mayRun(it) {
		in.sub.Handle(it)
	}
}

func (in *intake) runBatch(its []*item) {
	ds := make([]broker.Delivery, 0, len(its))
	for _, it := range its {
		if in.mayRun(it) {
			ds = append(ds, it)
		}
	}
	if len(ds) > 0 {
		in.sub.HandleBatch(ds)
	}
}

// mayRun gives an item back whose lease ran out before the timer noticed, as after a pause
// of the whole process.
func (in *intake) mayRun(it *item) bool {
	h := in.handling(it)
	if h != nil && h.mayRun() {
		return true
	}
	it.Return()
	return false
}

func (in *intake) handling(it *item) handling {
	h, _ := in.byPart.Load(it.Partition())
	found, _ := h.(handling)
	return found
}

func (in *intake) report(it *item, f func(handling, *item)) {
	if h := in.handling(it); h != nil {
		f(h, it)
	}
}

// close ends the intake: everything owned is released together, then the engine stops.
func (in *intake) close(ctx context.Context) error {
	in.mu.Lock()
	in.closed = true
	var owned []*owner
	for _, o := range in.owners {
		owned = append(owned, o)
	}
	in.mu.Unlock()
	in.ready.Store(false)
	errs := make([]error, len(owned))
	var wg sync.WaitGroup
	for i, o := range owned {
		wg.Go(func() { errs[i] = o.release(ctx) })
	}
	if in.m.group.Broadcast {
		in.engine.Drain(ctx)
	}
	wg.Wait()
	in.work.Wait()
	in.leave(ctx)
	in.engine.Close()
	return errors.Join(errs...)
}

// leave takes the member off the list of those who share the topic.
func (in *intake) leave(ctx context.Context) {
	if in.m.group.Broadcast {
		return
	}
	ctx, cancel := lastly(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = again(ctx, func() error { return in.m.b.client.ZRem(ctx, in.membersKey(), in.m.id).Err() })
}

func (in *intake) membersKey() string { return side(in.sub.Topic, "members:"+in.m.group.Name) }

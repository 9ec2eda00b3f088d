package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callers is how many publish at once in publish-64.
const callers = 64

// publishing makes a topic and a publisher, warms both up, and times f.
func publishing(ctx context.Context, t *task, f func(publisher, []event) error) ([]float64, error) {
	topic := t.bed.unique("publish-" + t.id)
	if err := t.bed.s.create(ctx, topic, partitions); err != nil {
		return nil, err
	}
	defer t.bed.s.clean(ctx, "", topic)
	p, err := t.d.publisher(ctx, topic)
	if err != nil {
		return nil, err
	}
	defer p.close() //nolint:errcheck // everything was acknowledged
	es := events(t.n, t.bed.payload, 1000)
	for _, e := range es[:100] {
		if err := p.one(ctx, e); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	if err := f(p, es); err != nil {
		return nil, err
	}
	took := time.Since(start)
	return perSecond(t.n, took), awaitSize(ctx, t.bed.s, topic, partitions, t.n+100)
}

func publishOne(ctx context.Context, t *task) ([]float64, error) {
	return publishing(ctx, t, func(p publisher, es []event) error {
		for _, e := range es {
			if err := p.one(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func publishMany(ctx context.Context, t *task) ([]float64, error) {
	return publishing(ctx, t, func(p publisher, es []event) error {
		var wg sync.WaitGroup
		var next atomic.Int64
		var failed errorOnce
		for range callers {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(es)) && failed.get() == nil; i = next.Add(1) - 1 {
					failed.set(p.one(ctx, es[i]))
				}
			})
		}
		wg.Wait()
		return failed.get()
	})
}

func publishBatches(ctx context.Context, t *task) ([]float64, error) {
	return publishing(ctx, t, func(p publisher, es []event) error { return inBatches(ctx, p, es) })
}

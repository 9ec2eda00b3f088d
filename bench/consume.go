package main

import (
	"context"
	"errors"
	"time"
)

// reading returns a workload that reads a filled topic, from the first message to the last;
// with results to the moment at which the topic of results has all of them.
func reading(m mode) func(context.Context, *task) ([]float64, error) {
	return func(ctx context.Context, t *task) ([]float64, error) { return read(ctx, t, m) }
}

func read(ctx context.Context, t *task, m mode) ([]float64, error) {
	met := newMeter(t.n, t.n == t.full && m != raw)
	j := job{
		mode: m, topic: t.topic, partitions: partitions, group: t.bed.unique("group-" + t.id),
		handle: func(id, _ int64) { met.hit(id) },
	}
	ready := func(context.Context) error { return nil }
	if m == work || m == batch {
		j.out = t.bed.unique("out-" + t.id)
		if err := t.bed.s.create(ctx, j.out, partitions); err != nil {
			return nil, err
		}
		defer t.bed.s.clean(ctx, "", j.out)
		ready = func(ctx context.Context) error { return awaitSize(ctx, t.bed.s, j.out, partitions, t.n) }
	}
	end, err := consume(ctx, t, j, met, ready)
	return perSecond(t.n, met.since(end)), errors.Join(err, met.complete())
}

// consume runs the job until the meter is full and returns when ready was satisfied.
func consume(ctx context.Context, t *task, j job, m *meter, ready func(context.Context) error) (time.Time, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- t.d.read(running, j) }()
	err := until(ctx, m.full, ended)
	if err == nil {
		err = ready(ctx)
	}
	end := time.Now()
	stop()
	err = errors.Join(err, <-ended)
	t.bed.s.clean(ctx, j.group)
	return end, err
}

// until returns when full is closed, or why that will not happen.
func until(ctx context.Context, full <-chan struct{}, ended chan error) error {
	select {
	case <-full:
		return nil
	case err := <-ended:
		ended <- nil
		return errors.Join(errors.New("the consumer ended early"), err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The key-concurrency workload: what a service does that waits for something, such as a
// database, in each handler. All messages are in one partition.
const (
	waitingMessages    = 10_000
	waitingKeys        = 200
	waitingTime        = 2 * time.Millisecond
	waitingConcurrency = 100
)

func keyConcurrency(ctx context.Context, t *task) ([]float64, error) {
	met := newMeter(waitingMessages, true)
	j := job{
		mode: typed, topic: t.topic, partitions: 1, group: t.bed.unique("group-" + t.id), concurrency: waitingConcurrency,
		handle: func(id, _ int64) {
			met.begin()
			time.Sleep(waitingTime)
			met.hit(id)
		},
	}
	end, err := consume(ctx, t, j, met, func(context.Context) error { return nil })
	return []float64{met.since(end).Seconds()}, errors.Join(err, met.complete())
}

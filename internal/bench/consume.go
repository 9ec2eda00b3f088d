package bench

import (
	"context"
	"errors"
	"time"
)

// reading returns a workload that reads filled topics, from the first message to the last;
// with results to the moment at which the topic of results has all of them.
func reading(m Mode) func(context.Context, *Task) ([]float64, error) {
	return func(ctx context.Context, t *Task) ([]float64, error) {
		met, end, err := read(ctx, t, m)
		return []float64{float64(t.Messages) / met.since(end).Seconds()}, err
	}
}

// read returns the meter and when everything was done.
func read(ctx context.Context, t *Task, m Mode) (*meter, time.Time, error) {
	met := newMeter(t.Messages, t.Messages == t.full && m != Raw)
	j := t.job(m, met)
	ready := func(context.Context) error { return nil }
	if m.publishes() {
		j.Out = t.bed.unique("out-" + t.Subject)
		if err := t.bed.s.Create(ctx, j.Out, j.Partitions); err != nil {
			return met, time.Time{}, err
		}
		defer t.bed.s.Drop(ctx, j.Partitions, j.Out)
		ready = func(ctx context.Context) error { return awaitSize(ctx, t.bed.s, j.Out, j.Partitions, t.Messages) }
	}
	end, err := consume(ctx, t, j, met, ready)
	return met, end, errors.Join(err, met.complete())
}

// job reads the task's topics into a meter, with a group of its own.
func (t *Task) job(m Mode, met *meter) Job {
	return Job{
		Mode: m, Topics: t.topics, Partitions: t.parts, Format: t.format, Group: t.bed.unique("group-" + t.Subject),
		Handle: func(id, _ int64) { met.hit(id) },
	}
}

// consume runs the job until the meter is full and returns when ready was satisfied.
func consume(ctx context.Context, t *Task, j Job, m *meter, ready func(context.Context) error) (time.Time, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- t.driver.Read(running, j) }()
	err := until(ctx, m.full, ended)
	if err == nil {
		err = ready(ctx)
	}
	end := time.Now()
	stop()
	err = errors.Join(err, <-ended)
	t.bed.s.Forget(ctx, j.Group, j.Partitions, j.Topics...)
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

// The key-concurrency workloads: what a service does that waits for something, such as a
// database, in each handler. All messages are in one partition.
const (
	waitingMessages    = 10_000
	waitingTime        = 2 * time.Millisecond
	waitingConcurrency = 100
)

// waitingIdeal is the time that handlers take at least: so many wait at once.
func waitingIdeal(keys int) float64 {
	return (waitingMessages / time.Duration(min(keys, waitingConcurrency)) * waitingTime).Seconds()
}

func waiting(keys int) func(context.Context, *Task) error {
	return func(ctx context.Context, t *Task) error {
		t.Messages, t.full = waitingMessages, waitingMessages
		return t.fill(ctx, filling{topics: 1, parts: 1, keys: keys})
	}
}

func keyConcurrency(ctx context.Context, t *Task) ([]float64, error) {
	met := newMeter(waitingMessages, true)
	j := t.job(Typed, met)
	j.Concurrency = waitingConcurrency
	j.Handle = func(id, _ int64) {
		met.begin()
		time.Sleep(waitingTime)
		met.hit(id)
	}
	end, err := consume(ctx, t, j, met, func(context.Context) error { return nil })
	return []float64{met.since(end).Seconds()}, errors.Join(err, met.complete())
}

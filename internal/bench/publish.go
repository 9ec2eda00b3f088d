package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callers is how many publish at once in publish-64.
const callers = 64

// warming is how many messages a publisher sends before it is measured.
const warming = 100

// publishing makes a topic and a publisher, warms both up, and times f.
func publishing(f func(context.Context, Publisher, []Event) error) func(context.Context, *Task) ([]float64, error) {
	return func(ctx context.Context, t *Task) ([]float64, error) {
		topic := Topic{t.bed.unique("publish-" + t.Subject), t.bed.parts, t.format}
		if err := t.bed.s.Create(ctx, topic.Name, topic.Partitions); err != nil {
			return nil, err
		}
		defer t.bed.s.Drop(ctx, topic.Partitions, topic.Name)
		p, err := t.driver.Publisher(ctx, topic)
		if err != nil {
			return nil, err
		}
		defer p.Close() //nolint:errcheck // everything was acknowledged
		took, err := timed(ctx, p, events(t.Messages, t.bed.payload), f)
		if err != nil {
			return nil, err
		}
		return []float64{float64(t.Messages) / took.Seconds()}, awaitSize(ctx, t.bed.s, topic.Name, topic.Partitions, t.Messages+warming)
	}
}

func timed(ctx context.Context, p Publisher, es []Event, f func(context.Context, Publisher, []Event) error) (time.Duration, error) {
	for i := range warming {
		if err := p.One(ctx, es[i%len(es)]); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	err := f(ctx, p, es)
	return time.Since(start), err
}

func publishOne(ctx context.Context, p Publisher, es []Event) error {
	for _, e := range es {
		if err := p.One(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func publishMany(ctx context.Context, p Publisher, es []Event) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed errorOnce
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(es)) && failed.get() == nil; i = next.Add(1) - 1 {
				failed.set(p.One(ctx, es[i]))
			}
		})
	}
	wg.Wait()
	return failed.get()
}

func publishBatches(ctx context.Context, p Publisher, es []Event) error {
	for len(es) > 0 {
		n := min(1000, len(es))
		if err := p.Batch(ctx, es[:n]); err != nil {
			return err
		}
		es = es[n:]
	}
	return nil
}

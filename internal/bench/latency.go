package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// interval is the time between two messages of the latency workload, an open loop: a slow
// message delays no later one.
const interval = time.Millisecond

// latency publishes 1,000 messages a second and takes the time from when each was due to when
// its handler has it.
func latency(ctx context.Context, t *Task) ([]float64, error) {
	topic := Topic{t.bed.unique("latency-" + t.Subject), t.bed.parts, t.format}
	if err := t.bed.s.Create(ctx, topic.Name, topic.Partitions); err != nil {
		return nil, err
	}
	defer t.bed.s.Drop(ctx, topic.Partitions, topic.Name)
	p, err := t.driver.Publisher(ctx, topic)
	if err != nil {
		return nil, err
	}
	defer p.Close() //nolint:errcheck // everything has arrived
	t.topics, t.parts = []string{topic.Name}, topic.Partitions
	return t.latencies(ctx, p)
}

func (t *Task) latencies(ctx context.Context, p Publisher) ([]float64, error) {
	took := make([]time.Duration, t.Messages)
	met, awake := newMeter(t.Messages, true), make(chan struct{}, 1)
	j := t.job(Typed, met)
	j.Handle = func(id, at int64) {
		if at == 0 {
			wake(awake)
			return
		}
		took[id] = time.Duration(time.Now().UnixNano() - at)
		met.hit(id)
	}
	var failed errorOnce
	var pacing sync.WaitGroup
	pacing.Go(func() { failed.set(pace(ctx, t, p, awake)) })
	_, err := consume(ctx, t, j, met, func(context.Context) error { return nil })
	pacing.Wait()
	return percentiles(took), errors.Join(err, failed.get(), met.complete())
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func percentiles(ds []time.Duration) []float64 {
	slices.Sort(ds)
	at := func(p float64) float64 { return milliseconds(ds[int(p*float64(len(ds)-1))]) }
	return []float64{at(0.50), at(0.99)}
}

// pace waits until the consumer is there and publishes on time.
func pace(ctx context.Context, t *Task, p Publisher, awake <-chan struct{}) error {
	es := events(t.Messages, t.bed.payload)
	if err := rouse(ctx, p, es, awake); err != nil {
		return err
	}
	var left atomic.Int64
	left.Store(int64(len(es)))
	done, failed := make(chan struct{}), errorOnce{}
	next := time.Now().Add(10 * interval)
	for _, e := range es {
		time.Sleep(time.Until(next))
		e.At = next.UnixNano()
		p.Async(ctx, e, func(err error) {
			failed.set(err)
			if left.Add(-1) == 0 {
				close(done)
			}
		})
		next = next.Add(interval)
	}
	<-done
	return failed.get()
}

// rouse publishes events without a time until one arrives, then lets the rest pass: each
// partition has one.
func rouse(ctx context.Context, p Publisher, es []Event, awake <-chan struct{}) error {
	settle := time.NewTimer(time.Hour)
	arrived := false
	for i := 0; ; i++ {
		if err := p.One(ctx, es[i%len(es)]); err != nil {
			return err
		}
		select {
		case <-awake:
			if !arrived {
				arrived = true
				settle.Reset(500 * time.Millisecond)
			}
		case <-settle.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

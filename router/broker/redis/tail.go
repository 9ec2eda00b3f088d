package redis

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const (
	tailPage = 500
	tailWait = 100 * time.Millisecond
)

// Read yields the records of topics without a group, partitions interleaved. A topic need
// not be registered.
func (b *Broker) Read(ctx context.Context, o broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	return func(yield func(*broker.Record, error) bool) {
		tails, err := b.tails(ctx, o)
		if err != nil {
			yield(nil, fmt.Errorf("read: %w", err))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for r, err := range merge(ctx, tails) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// merge runs all tails together. It returns when they ended or the first one failed.
func merge(ctx context.Context, tails []*tail) iter.Seq2[*broker.Record, error] {
	return func(yield func(*broker.Record, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		records := start(ctx, cancel, tails)
		for r := range records {
			if !yield(r, nil) {
				cancel(nil)
				for range records { // until all have ended
				}
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// start runs the tails. The channel is closed when all have ended; one that fails ends all.
func start(ctx context.Context, cancel context.CancelCauseFunc, tails []*tail) <-chan *broker.Record {
	records := make(chan *broker.Record, tailPage)
	var running sync.WaitGroup
	for _, t := range tails {
		running.Go(func() {
			if err := t.run(ctx, records); err != nil {
				cancel(err)
			}
		})
	}
	go func() {
		running.Wait()
		close(records)
	}()
	return records
}

// tail reads one partition.
type tail struct {
	cursor

	topic     string
	partition int32
	until     time.Time
	end       *entryID // nil: for ever
}

func (b *Broker) tails(ctx context.Context, o broker.ReadOptions) (ts []*tail, err error) {
	for _, name := range o.Topics {
		var t topic
		err := again(ctx, func() (err error) { t, err = b.topics.read(ctx, name); return err })
		if err != nil {
			return nil, err
		}
		for p := range int32(t.partitions) { //nolint:gosec // a small count
			tl := &tail{cursor: cursor{b: b, stream: stream(name, p)}, topic: name, partition: p, until: o.Until}
			if err := again(ctx, func() error { return tl.begin(ctx, o) }); err != nil {
				return nil, err
			}
			ts = append(ts, tl)
		}
	}
	return ts, nil
}

func (t *tail) begin(ctx context.Context, o broker.ReadOptions) error {
	last, err := t.b.lastEntry(ctx, t.stream)
	if err != nil {
		return err
	}
	start := t.b.start(o.Start)
	switch {
	case !o.Since.IsZero():
		t.last = entryID{ms: ceilMillis(o.Since)}.before()
	case start == broker.StartLatest:
		t.last = last
	case start == broker.StartNone:
		return fmt.Errorf("topic %s: %w", t.topic, broker.ErrNoStart)
	}
	if o.UntilEnd {
		t.end = &last
	}
	return nil
}

func ceilMillis(t time.Time) uint64 {
	return uint64(max(t.Add(time.Millisecond-1).UnixMilli(), 0))
}

func (t *tail) run(ctx context.Context, out chan<- *broker.Record) error {
	wait := firstBackoff
	for !t.ended() {
		entries, err := t.next(ctx, tailPage)
		if err != nil && (!passing(err) || ctx.Err() != nil) {
			return fmt.Errorf("read %s: %w", t.stream, err)
		}
		if len(entries) == 0 {
			if err == nil && t.past(ctx) {
				return nil
			}
			if err := pause(ctx, wait); err != nil {
				return err
			}
			wait = min(2*wait, tailWait)
			continue
		}
		wait = firstBackoff
		if done, err := t.emit(ctx, entries, out); done || err != nil {
			return err
		}
	}
	return nil
}

func (t *tail) ended() bool { return t.end != nil && t.last.compare(*t.end) >= 0 }

// past reports whether whatever comes is later than until.
func (t *tail) past(ctx context.Context) bool {
	if t.end != nil { // what was the end was deleted meanwhile
		return true
	}
	if t.until.IsZero() {
		return false
	}
	now, err := t.b.now(ctx, t.stream)
	return err == nil && now.After(t.until)
}

func (t *tail) emit(ctx context.Context, entries []entry, out chan<- *broker.Record) (done bool, err error) {
	for i := range entries {
		rec := entries[i].record(t.topic, t.partition, nil)
		id := parseID(rec.Offset)
		if t.end != nil && id.compare(*t.end) > 0 || !t.until.IsZero() && id.ms > untilMillis(t.until) {
			return true, nil
		}
		select {
		case out <- rec:
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	return false, nil
}

func untilMillis(t time.Time) uint64 {
	if ms := t.UnixMilli(); ms > 0 {
		return uint64(ms)
	}
	return 0
}

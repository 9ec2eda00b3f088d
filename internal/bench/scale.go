package bench

import (
	"context"
	"time"
)

// Workloads that scale measure the time per message, consumed by a typed handler, at a small
// and at a large size. All else stays the same from one size to the other. The time is that
// from joining to the last message, without what joining takes: from the first message on
// it would be too short for a small size, whose messages all come with the first fetch.

// scaling measures with size as one of the numbers of a filling. Topics of the same shape with
// one message each serve to measure what joining takes.
func scaling(fill func(t *Task) filling) func(context.Context, *Task) error {
	return func(ctx context.Context, t *Task) error {
		f := fill(t)
		t.full = f.topics
		if err := t.fill(ctx, f); err != nil {
			return err
		}
		t.sparse, t.full = t.topics, t.Messages
		return t.fill(ctx, f)
	}
}

// byWaiting has so many messages waiting.
func byWaiting(t *Task) filling {
	t.Messages = t.Size
	return filling{topics: 1, parts: ordinaryPartitions, keys: ordinaryKeys}
}

// byPartitions has a topic with so many partitions.
func byPartitions(t *Task) filling { return filling{topics: 1, parts: t.Size, keys: ordinaryKeys} }

// manyHandlers is the largest number of handlers, and how many partitions there are in all.
const manyHandlers = 50

// byHandlers has so many handlers, each with a topic of its own, and always as many partitions.
func byHandlers(t *Task) filling {
	return filling{topics: t.Size, parts: manyHandlers / t.Size, keys: ordinaryKeys}
}

// byKeys has one partition with so many keys.
func byKeys(t *Task) filling {
	t.Messages = max(t.Messages, 2*t.Size)
	return filling{topics: 1, parts: 1, keys: t.Size}
}

// enough is how many messages a measurement should have; less is measured several times.
const enough, mostRepeats = 100_000, 10

// perMessage returns microseconds.
func perMessage(ctx context.Context, t *Task) ([]float64, error) {
	joining, err := t.joining(ctx, t.sparse)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	repeats := min(max(1, enough/t.Messages), mostRepeats)
	for range repeats {
		start := time.Now()
		met, end, err := read(ctx, t, Typed)
		if err != nil {
			return nil, err
		}
		took += max(end.Sub(start)-joining, met.since(end))
	}
	t.Messages *= repeats
	return []float64{took.Seconds() * 1e6 / float64(t.Messages)}, nil
}

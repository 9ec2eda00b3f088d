package bench

import (
	"context"
	"slices"
	"time"
)

// joins is how often a run joins a group.
const joins = 5

// join takes the time from the call that makes a client and joins a new group to the first
// message in the handler, and returns the median of some.
func join(ctx context.Context, t *Task) ([]float64, error) {
	took, err := t.joining(ctx, t.topics)
	return []float64{milliseconds(took)}, err
}

func (t *Task) joining(ctx context.Context, topics []string) (time.Duration, error) {
	took := make([]time.Duration, joins)
	for i := range took {
		met := newMeter(1, false)
		j := t.job(Typed, met)
		j.Topics = topics
		start := time.Now()
		if _, err := consume(ctx, t, j, met, func(context.Context) error { return nil }); err != nil {
			return 0, err
		}
		took[i] = time.Unix(0, met.first.Load()).Sub(start)
	}
	slices.Sort(took)
	return took[joins/2], nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

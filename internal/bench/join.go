package bench

import (
	"context"
	"time"
)

// joins is how often a run joins a group.
const joins = 5

// join takes the time from the call that makes a client and joins a new group to the first
// message in the handler, and returns the median of some.
func join(ctx context.Context, t *Task) ([]float64, error) {
	var took []float64
	for range joins {
		met := newMeter(1, false)
		start := time.Now()
		if _, err := consume(ctx, t, t.job(Typed, met), met, func(context.Context) error { return nil }); err != nil {
			return nil, err
		}
		took = append(took, milliseconds(time.Unix(0, met.first.Load()).Sub(start)))
	}
	return []float64{median(took)}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

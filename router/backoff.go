package router

import (
	"math"
	"math/rand/v2"
	"time"
)

// defaultMaxWait caps every backoff without a Max.
const defaultMaxWait = time.Minute

// Backoff says how long to wait before retry k = 1, 2, … The zero Backoff is
// Exponential(time.Second).
type Backoff struct {
	wait   func(retry int) time.Duration
	max    time.Duration
	jitter float64
}

// Fixed waits d before every retry.
func Fixed(d time.Duration) Backoff {
	return BackoffFunc(func(int) time.Duration { return d })
}

// Linear waits d·k before retry k.
func Linear(d time.Duration) Backoff {
	return BackoffFunc(func(k int) time.Duration { return scale(d, float64(k)) })
}

// Exponential waits d·2^(k−1) before retry k: with a second 1, 2, 4 s and so on.
func Exponential(d time.Duration) Backoff {
	return BackoffFunc(func(k int) time.Duration { return scale(d, math.Pow(2, float64(k-1))) })
}

// BackoffFunc is a schedule of your own.
func BackoffFunc(f func(retry int) time.Duration) Backoff { return Backoff{wait: f} }

// Max caps the wait. Default: 60 s.
func (b Backoff) Max(d time.Duration) Backoff {
	b.max = d
	return b
}

// Jitter spreads waits by the fraction up and down: 0.1 is ±10 %. Default: none.
func (b Backoff) Jitter(fraction float64) Backoff {
	b.jitter = fraction
	return b
}

// Initial changes the wait before the first retry to d; the others grow with it.
func (b Backoff) Initial(d time.Duration) Backoff {
	wait, first := b.schedule(), b.schedule()(1)
	if first <= 0 {
		return b.Like(Fixed(d))
	}
	b.wait = func(k int) time.Duration { return scale(wait(k), float64(d)/float64(first)) }
	return b
}

// Like grows as other does, from the first wait, with the maximum and the jitter of b.
func (b Backoff) Like(other Backoff) Backoff {
	first := b.schedule()(1)
	b.wait = other.wait
	if first > 0 {
		return b.Initial(first)
	}
	return b
}

func (b Backoff) schedule() func(retry int) time.Duration {
	if b.wait == nil {
		return Exponential(time.Second).wait
	}
	return b.wait
}

// Wait returns the wait before retry k, counted from 1.
func (b Backoff) Wait(retry int) time.Duration {
	limit := b.max
	if limit == 0 {
		limit = defaultMaxWait
	}
	d := max(min(b.schedule()(max(retry, 1)), limit), 0)
	if b.jitter > 0 {
		d += scale(d, (rand.Float64()*2-1)*b.jitter) //nolint:gosec // spreading load needs no secrecy
	}
	return d
}

// scale multiplies without overflow.
func scale(d time.Duration, f float64) time.Duration {
	v := float64(d) * f
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(v)
}

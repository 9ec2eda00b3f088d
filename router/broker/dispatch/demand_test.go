package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// expectDemand waits until the engine wants more, for an hour at the most.
func expectDemand(t *testing.T, e *dispatch.Engine[string], want time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	begun := time.Now()
	e.AwaitDemand(ctx)
	if got := time.Since(begun); got != want {
		t.Errorf("more is wanted after %v, want %v", got, want)
	}
}

// ofKey makes n entries of a key.
func ofKey(first int64, n int, key string) []entry {
	es := many(first, n)
	for i := range es {
		es[i].Key, es[i].Value = []byte(key), key
	}
	return es
}

// demandTest is an engine of one worker that takes a second for each item.
func demandTest(t *testing.T, cfg config, test func(*testing.T, *dispatch.Engine[string], *partition)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Run == nil && cfg.RunBatch == nil {
			cfg.Run = func(it *item) {
				pause(time.Second)
				it.Done()
			}
		}
		e := start(t, cfg)
		test(t, e, e.Assign(0, 0))
		e.Close()
		pause(time.Hour) // what runs ends
	})
}

func TestMoreIsWantedOnceFewItemsWait(t *testing.T) {
	demandTest(t, config{}, func(t *testing.T, e *dispatch.Engine[string], p *partition) {
		t.Helper()
		expectDemand(t, e, 0)
		p.Feed(ofKey(0, 1+dispatch.Enough, "a")...) // one of them runs
		synctest.Wait()
		expectDemand(t, e, 0)
		p.Feed(ofKey(1+dispatch.Enough, 2, "a")...)
		expectDemand(t, e, 2*time.Second)
	})
}

func TestMoreIsWantedWhenAllThatWaitsIsHeldUp(t *testing.T) {
	stuck := func(it *item) { it.Park(2, time.Now().Add(2*time.Hour), time.Now()) }
	for name, cfg := range map[string]config{
		"one by one": {Run: stuck},
		"in batches": {BatchSize: 10, BatchWait: 24 * time.Hour, RunBatch: func(b []*item) {
			for _, it := range b {
				stuck(it)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			demandTest(t, cfg, func(t *testing.T, e *dispatch.Engine[string], p *partition) {
				t.Helper()
				p.Feed(ofKey(0, 10+2*dispatch.Enough, "a")...)
				expectDemand(t, e, 0)
				if cfg.RunBatch != nil {
					p.Feed(ofKey(10+2*dispatch.Enough, 1, "b")...) // its batch waits for more
					expectDemand(t, e, 0)
				}
			})
		})
	}
}

func TestALostPartitionKeepsNobodyWaiting(t *testing.T) {
	for name, lose := range map[string]func(*dispatch.Engine[string], *partition){
		"dropped": func(_ *dispatch.Engine[string], p *partition) { p.Drop() },
		"closed":  func(e *dispatch.Engine[string], _ *partition) { e.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			demandTest(t, config{}, func(t *testing.T, e *dispatch.Engine[string], p *partition) {
				t.Helper()
				p.Feed(ofKey(0, 10*dispatch.Enough, "a")...)
				time.AfterFunc(time.Minute+time.Millisecond, func() { lose(e, p) })
				expectDemand(t, e, time.Minute+time.Millisecond)
			})
		})
	}
}

// TestEveryItemThatWaitsIsCountedOnce puts items back and gives them up in all ways, and looks then whether
// the engine still knows exactly how many wait.
func TestEveryItemThatWaitsIsCountedOnce(t *testing.T) {
	var gone *partition
	cfg := config{
		Run: func(it *item) {
			switch {
			case it.Value == "slow":
				pause(time.Second)
				it.Done()
			case it.Attempt() < 3 || it.Value == "drop":
				it.Park(it.Attempt()+1, time.Now().Add(time.Millisecond), time.Now())
			case it.Value == "returned":
				it.Return()
			default:
				it.Done()
			}
		},
		Parked: func(it *item) {
			if it.Value == "drop" {
				gone.Drop()
			}
		},
	}
	demandTest(t, cfg, func(t *testing.T, e *dispatch.Engine[string], p *partition) {
		t.Helper()
		gone = e.Assign(1, 0)
		gone.Feed(ofKey(0, 5, "drop")...)
		p.Feed(ofKey(0, 5, "returned")...)
		stays := e.Assign(2, 0)
		stays.Feed(append(ofKey(0, 5, "done"), entry{Position: 5, Finished: true})...)
		pause(time.Minute)
		p.Revoke(t.Context())
		next := e.Assign(0, 0)
		next.Feed(ofKey(0, 1+dispatch.Enough, "slow")...)
		synctest.Wait()
		expectDemand(t, e, 0)
		next.Feed(ofKey(1+dispatch.Enough, 1, "slow")...)
		expectDemand(t, e, time.Second)
	})
}

func TestNobodyWaitsForDemandWhenTheContextHasEnded(t *testing.T) {
	demandTest(t, config{}, func(t *testing.T, e *dispatch.Engine[string], p *partition) {
		t.Helper()
		p.Feed(ofKey(0, 10*dispatch.Enough, "a")...) // enough for more than an hour
		synctest.Wait()
		expectDemand(t, e, time.Hour)
	})
}

package cli

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runs records when a worker was run.
type runs struct {
	begun time.Time
	at    []time.Duration
}

func (r *runs) note() { r.at = append(r.at, time.Since(r.begun)) }

func supervised(t *testing.T, d time.Duration, ws ...worker) (log string, err error) {
	t.Helper()
	var b strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	v := &supervisor{log: slog.New(slog.NewTextHandler(&b, nil))}
	err = v.run(ctx, ws)
	return b.String(), err
}

func healthy(ctx context.Context, started func()) error {
	started()
	<-ctx.Done()
	return nil
}

func TestFailedWorkerIsRunAgainAndStopsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failing, other := runs{begun: time.Now()}, runs{begun: time.Now()}
		log, err := supervised(t, 20*time.Second,
			worker{"failing", func(_ context.Context, started func()) error {
				failing.note()
				started()
				return errors.New("lost its group")
			}},
			worker{"other", func(ctx context.Context, started func()) error {
				other.note()
				return healthy(ctx, started)
			}})
		if err != nil {
			t.Errorf("the supervisor returned %v after a stop in order", err)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second}, failing.at); diff != "" {
			t.Errorf("runs of the failing worker (-want +got):\n%s", diff)
		}
		if len(other.at) != 1 {
			t.Errorf("the other worker ran %d times, want once", len(other.at))
		}
		if !strings.Contains(log, `worker=failing wait=1s error="lost its group"`) {
			t.Errorf("the log says nothing of the failure:\n%s", log)
		}
	})
}

func TestPanicAndEndAreFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := supervised(t, 2*time.Second,
			worker{"panicking", func(_ context.Context, started func()) error {
				started()
				panic("boom")
			}},
			worker{"ending", func(_ context.Context, started func()) error {
				started()
				return nil
			}})
		for _, want := range []string{"panic: boom", errEnded.Error()} {
			if strings.Count(log, want) != 2 {
				t.Errorf("%q is logged %d times, want after each of two runs:\n%s", want, strings.Count(log, want), log)
			}
		}
	})
}

func TestWaitIsShortAgainAfterALongRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := runs{begun: time.Now()}
		lasts := []time.Duration{0, 0, 2 * time.Minute, 0}
		_, _ = supervised(t, 3*time.Minute, worker{"w", func(ctx context.Context, started func()) error {
			r.note()
			started()
			if n := len(r.at); n <= len(lasts) {
				sleep(ctx, lasts[n-1])
				return errors.New("failed")
			}
			<-ctx.Done()
			return nil
		}})
		want := []time.Duration{0, time.Second, 3 * time.Second, 124 * time.Second, 126 * time.Second}
		if diff := cmp.Diff(want, r.at); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestNoneThatStartsEndsTheCommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := errors.New("a cannot"), errors.New("b cannot")
		begun := time.Now()
		_, err := supervised(t, time.Hour,
			worker{"a", func(context.Context, func()) error { return a }},
			worker{"b", func(context.Context, func()) error { return b }})
		if !errors.Is(err, a) || !errors.Is(err, b) {
			t.Errorf("got %v, want both errors", err)
		}
		if time.Since(begun) > firstWait {
			t.Errorf("it took %v", time.Since(begun))
		}
	})
}

func TestOneThatStartsKeepsTheCommandAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		_, err := supervised(t, 10*time.Second,
			worker{"a", func(context.Context, func()) error { tries++; return errors.New("cannot") }},
			worker{"b", healthy})
		if err != nil || tries < 3 {
			t.Errorf("got %v after %d tries of the failing worker, want nil after several", err, tries)
		}
	})
}

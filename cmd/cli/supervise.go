package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The waits between two runs of a worker.
const (
	firstWait = time.Second
	longWait  = time.Minute
	// steady is how long a worker must have run for its next wait to be the first again.
	steady = time.Minute
)

// worker is something that runs until ctx ends. It calls started when it takes part.
type worker struct {
	name string
	run  func(ctx context.Context, started func()) error
}

// supervisor keeps workers running, each on its own: one that fails, panics or ends is run
// again after a wait and stops no other.
type supervisor struct {
	log *slog.Logger

	mu       sync.Mutex
	came     bool    // a worker has started once
	left     []error // why first runs ended before they started
	hopeless bool    // none could start
}

// run returns nil when ctx has ended and all workers have stopped. When none of them could
// start at all it returns why, at once.
func (v *supervisor) run(ctx context.Context, ws []worker) error {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var wg sync.WaitGroup
	for _, w := range ws {
		wg.Go(func() { v.keep(ctx, w, len(ws), giveUp) })
	}
	wg.Wait()
	if v.hopeless {
		return errors.Join(v.left...)
	}
	return nil
}

// keep runs one worker again and again.
func (v *supervisor) keep(ctx context.Context, w worker, all int, giveUp func()) {
	wait := firstWait
	for first := true; ; first = false {
		begun := time.Now()
		up, err := v.once(ctx, w)
		if ctx.Err() != nil {
			v.last(w, err)
			return
		}
		if first && !up && v.failed(w, err, all) {
			giveUp()
			return
		}
		if time.Since(begun) >= steady {
			wait = firstWait
		}
		v.log.Error("worker ended, it will be run again", slog.String("worker", w.name),
			slog.String("wait", wait.String()), slog.String("error", err.Error()))
		if !sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, longWait)
	}
}

var errEnded = errors.New("it ended by itself")

// once is one run; a panic or an end that nobody asked for is an error.
func (v *supervisor) once(ctx context.Context, w worker) (up bool, err error) {
	var runs atomic.Bool
	defer func() {
		up = runs.Load()
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err == nil && ctx.Err() == nil {
			err = errEnded
		}
	}()
	err = w.run(ctx, func() {
		if !runs.Swap(true) {
			v.started(w)
		}
	})
	return up, err
}

func (v *supervisor) started(w worker) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.came = true
	v.log.Info("worker runs", slog.String("worker", w.name))
}

// failed notes a first run that never started and tells whether there is no hope: all
// have ended so.
func (v *supervisor) failed(w worker, err error, all int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.left = append(v.left, named(w, err))
	v.hopeless = !v.came && len(v.left) == all
	return v.hopeless
}

// named makes an error tell which worker it is about, once.
func named(w worker, err error) error {
	if strings.HasPrefix(err.Error(), w.name+":") {
		return err
	}
	return fmt.Errorf("%s: %w", w.name, err)
}

// last tells what went wrong while stopping.
func (v *supervisor) last(w worker, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		v.log.Error("worker did not stop in order", slog.String("worker", w.name), slog.String("error", err.Error()))
	}
}

// sleep waits and tells whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

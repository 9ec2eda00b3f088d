package router

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/leat-go/leat/internal/outcome"
)

// overdue is how long after its timeout a handler that still runs is reported.
const overdue = 30 * time.Second

// limited runs f with the handler's timeout and turns panics into errors.
func (h *handler) limited(ctx context.Context, c *call, f func(context.Context) error) error {
	if h.cfg.timeout <= 0 {
		return recovered(func() error { return f(ctx) })
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.timeout)
	defer cancel()
	defer h.watch(c)() //nolint:contextcheck // only logs
	err := recovered(func() error { return f(ctx) })
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && outcome.KindOf(err) == outcome.Handler && !errors.Is(err, Skip) {
		return &outcome.KindError{Kind: outcome.Timeout, Err: err}
	}
	return err
}

// watch reports a handler that ignores the end of its time; the returned func ends it.
func (h *handler) watch(c *call) (stop func()) {
	id := goroutine()
	late := false
	reported := make(chan struct{})
	t := time.AfterFunc(h.cfg.timeout+overdue, func() {
		defer close(reported)
		late = true
		h.r.counters.late.Add(1)
		h.r.counters.degraded.Add(1)
		c.log(slog.LevelError, "handler ignores its timeout and still runs", nil,
			slog.Duration("timeout", h.cfg.timeout), slog.String("stack", stackOfGoroutine(id)))
	})
	return func() {
		if !t.Stop() {
			<-reported
		}
		if late {
			h.r.counters.degraded.Add(-1)
		}
	}
}

// goroutine returns the first words of this goroutine's stack trace, "goroutine 7 ".
func goroutine() []byte {
	buf := make([]byte, 64)
	buf = buf[:runtime.Stack(buf, false)]
	if i := bytes.IndexByte(buf, '['); i > 0 {
		return buf[:i]
	}
	return buf
}

func stackOfGoroutine(id []byte) string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for s := range bytes.SplitSeq(buf, []byte("\n\n")) {
		if bytes.HasPrefix(s, id) {
			return cut(string(s), maxStack)
		}
	}
	return ""
}

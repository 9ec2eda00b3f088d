package kafka

import (
	"context"
	"log/slog"
	"sync"
)

// quietAfter is a handler that nothing reaches after end. Goroutines of the client end later than its
// Close, and what they would say belongs to nobody then.
type quietAfter struct {
	slog.Handler
	end *ending
}

type ending struct {
	mu   sync.RWMutex
	over bool
}

// come returns when nothing is being logged any more, and nothing will be.
func (e *ending) come() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
}

func (h quietAfter) Handle(ctx context.Context, r slog.Record) error {
	h.end.mu.RLock()
	defer h.end.mu.RUnlock()
	if h.end.over {
		return nil
	}
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // a handler passes on what the one below says
}

func (h quietAfter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietAfter{h.Handler.WithAttrs(attrs), h.end}
}

func (h quietAfter) WithGroup(name string) slog.Handler {
	return quietAfter{h.Handler.WithGroup(name), h.end}
}

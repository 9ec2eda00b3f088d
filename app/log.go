package app

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.uber.org/fx/fxevent"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
)

// newLog makes the service's log as log.level and log.format say: text on a terminal, JSON
// elsewhere, unless the format is named.
func newLog(w io.Writer, s settings.Log) *slog.Logger {
	if w == nil {
		w = os.Stderr
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.Level)) // checked by settings
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if s.Format == "json" || s.Format != "text" && !isTerminal(w) {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// readable writes durations as 1.5s, in JSON, too.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// newFxLog keeps what fx has to say for debugging: errors come back to the caller.
func newFxLog(log *slog.Logger) fxevent.Logger {
	l := &fxevent.SlogLogger{Logger: log}
	l.UseLogLevel(slog.LevelDebug)
	l.UseErrorLevel(slog.LevelDebug)
	return l
}

// announce tells what the service is about to do, and what in its settings is doubtful.
func (p *plan) announce(log *slog.Logger) {
	s := p.loaded.Settings
	for _, w := range p.loaded.Warnings {
		log.Warn(w)
	}
	if p.env.Broker == nil && s.Messaging.Broker == "auto" && p.served() == memoryName {
		log.Warn("no broker is enabled: running in memory, messages are gone when the service stops",
			slog.String("cure", "set KAFKA_ENABLED=true or REDIS_ENABLED=true (MESSAGING_BROKER=memory if this is meant)"))
	}
	if p.conventions().FireAndForget {
		log.Warn("kafka.fire_and_forget is on: the service's own sends do not wait for the broker, and may be lost")
	}
}

// introduce writes a line per handler.
func introduce(ctx context.Context, log *slog.Logger, hs []router.HandlerInfo) {
	for _, h := range hs {
		attrs := []slog.Attr{
			slog.String("handler", h.Name), slog.String("topic", h.Topic),
			slog.String("group", h.Group), slog.Int("concurrency", h.Concurrency),
		}
		if h.Out != "" {
			attrs = append(attrs, slog.String("results", h.Out))
		}
		if h.DeadLetter != "" {
			attrs = append(attrs, slog.String("dead_letters", h.DeadLetter))
		}
		log.LogAttrs(ctx, slog.LevelInfo, "handling", attrs...)
	}
}

package app

import (
	"context"
	"log/slog"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/settings"
)

// Environment returns what the service takes from its surroundings, as [App.In] set it.
func (a *App) Environment() Environment { return a.env }

// Sections returns the sections that the service adds to the settings.
func (a *App) Sections() ([]settings.Section, error) {
	decls, err := collect(a.opts)
	if err != nil {
		return nil, err
	}
	return sections(decls), nil
}

// Shared returns a service whose parts may run side by side, each made with [App.Only] and
// started and stopped on its own. What is in memory they have in common: a broker of the
// environment, which no part closes, or the memory broker when settings choose it.
func (a *App) Shared() (*App, error) {
	env := a.env
	if env.Broker == nil {
		l, err := a.Settings()
		if err != nil || l.Settings.Kafka.Enabled || l.Settings.Redis.Enabled || l.Settings.Broker() != "memory" {
			return a, err
		}
		env.Broker = memory.New()
	}
	env.Broker = shared{env.Broker}
	return &App{opts: a.opts, only: a.only, env: env}, nil
}

// shared is a broker that its users do not close.
type shared struct{ broker.Broker }

func (shared) Close(context.Context) error { return nil }

// Wait returns when ctx ends, when the started service cannot go on, which Stop then explains,
// or when an fx.Shutdowner ended it, with an error unless the exit code is 0.
func (a *App) Wait(ctx context.Context) error {
	l := a.live.Load()
	if l == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-l.failed:
		return nil
	case s := <-l.fx.Wait():
		return exitError(s.ExitCode)
	}
}

// Log returns the service's log as settings have it.
func (a *App) Log() (*slog.Logger, error) {
	l, err := a.Settings()
	if err != nil {
		return nil, err
	}
	return newLog(a.env.Log, l.Settings.Log), nil
}

// Avro returns a codec of its own for Avro messages, with the registry and the namespaces
// that settings name. Nothing is connected.
func (c *Client) Avro() (codec.Codec, error) { return newAvro(c.loaded.Settings, c.decls, c.log) }

// Avro returns a codec of its own for the service's schemas, with the registry and the
// namespaces that settings name. Nothing is connected, and nothing logged.
func (a *App) Avro() (*avro.Codec, error) {
	decls, l, err := a.declared()
	if err != nil {
		return nil, err
	}
	return newAvro(l.Settings, decls, slog.New(slog.DiscardHandler))
}

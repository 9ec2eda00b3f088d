package redis

import "log/slog"

// Option adjusts a Broker.
type Option interface{ apply(*Broker) }

type optionFunc func(*Broker)

func (f optionFunc) apply(b *Broker) { f(b) }

// Logger receives what the broker has to say. Default: slog.Default().
func Logger(l *slog.Logger) Option { return optionFunc(func(b *Broker) { b.log = l }) }

package kafka

import "log/slog"

// Option adjusts a [Broker].
type Option interface{ apply(b *Broker) }

type optionFunc func(*Broker)

func (f optionFunc) apply(b *Broker) { f(b) }

// Logger receives what goes wrong and heals by itself. Default: slog.Default().
func Logger(l *slog.Logger) Option { return optionFunc(func(b *Broker) { b.log = l }) }

// ClientID names this client to the servers when kafka.client_id is empty; usually the
// service's name. Default: "leat".
func ClientID(id string) Option { return optionFunc(func(b *Broker) { b.clientID = id }) }

package broker

import (
	"context"
	"time"
)

// Redelivery is found in the context of a message that a backend of leat delivers. With it
// a middleware gives a failed message back without holding a worker while it waits.
type Redelivery interface {
	// Attempt counts from 1.
	Attempt() int
	// Redeliver asks for the message again after wait. The middleware must return an error
	// right after; the key of the message waits, other keys go on.
	Redeliver(wait time.Duration)
	// OnSettled calls f when the message is finished (nil) or will not be by this
	// delivery (the reason).
	OnSettled(f func(error))
}

type redeliveryKey struct{}

// NewContext returns a context that carries r.
func NewContext(ctx context.Context, r Redelivery) context.Context {
	return context.WithValue(ctx, redeliveryKey{}, r)
}

// ValueOf serves contexts that are a Redelivery themselves: it returns r for the key that
// FromContext looks up.
func ValueOf(key any, r Redelivery) (Redelivery, bool) {
	return r, key == any(redeliveryKey{})
}

// FromContext returns the Redelivery of the message that ctx belongs to.
func FromContext(ctx context.Context) (Redelivery, bool) {
	r, ok := ctx.Value(redeliveryKey{}).(Redelivery)
	return r, ok
}

// OnSettled calls f once the message that ctx belongs to is settled: with nil when the
// handler and its outputs succeeded and were acknowledged, else with the reason. What must
// not happen before belongs here: a handler's or middleware's return means handled, never
// done. It reports whether ctx belongs to a message.
func OnSettled(ctx context.Context, f func(error)) bool {
	r, ok := FromContext(ctx)
	if ok {
		r.OnSettled(f)
	}
	return ok
}

package middleware

import (
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/router/broker"
)

// Retry tries a failed message again, at most retries times, after wait(1), wait(2) and so
// on. On leat's backends the message goes back to the delivery engine while it waits: its key
// waits, no worker does, and the attempts are those of the message. Elsewhere, under a plain
// message.Router, it sleeps in the handler. Errors marked router.Permanent are returned at
// once, router.RetryAfter chooses the wait.
//
// Handlers of package router retry by themselves (router.Retry). This is for handlers in a
// message.Router of your own.
func Retry(retries int, wait func(retry int) time.Duration) message.HandlerMiddleware {
	p := outcome.Policy{Retries: retries, Wait: wait}
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			if r, ok := broker.FromContext(m.Context()); ok {
				return giveBack(p, r, next, m)
			}
			return inPlace(p, next, m)
		}
	}
}

// giveBack calls the handler once; the engine brings the message again.
func giveBack(p outcome.Policy, r broker.Redelivery, next message.HandlerFunc, m *message.Message) ([]*message.Message, error) {
	out, err := next(m)
	if err == nil || errors.Is(err, outcome.Skip) {
		return out, err
	}
	if d := p.Decide(err, r.Attempt()); !d.Dead {
		r.Redeliver(d.Wait)
	}
	return nil, err
}

// inPlace calls the handler until it succeeds, in the time that the message's context allows.
func inPlace(p outcome.Policy, next message.HandlerFunc, m *message.Message) ([]*message.Message, error) {
	for attempt := 1; ; attempt++ {
		out, err := next(m)
		if err == nil || errors.Is(err, outcome.Skip) {
			return out, err
		}
		d := p.Decide(err, attempt)
		if d.Dead || !pause(m, d.Wait) {
			return nil, err
		}
	}
}

// pause reports whether the wait went by before the message's context ended.
func pause(m *message.Message, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-m.Context().Done():
		return false
	}
}

package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// hookTime is how long a hook may take before its context ends.
const hookTime = 5 * time.Second

// OnError runs f after each failed attempt, on the worker and before the key goes on. Like
// every hook it runs at least once, has 5 s, and cannot change the outcome. A function that
// takes any fits every topic.
func OnError[In any](f func(context.Context, In, error)) Option {
	return optionFunc(func(c *config) { c.onError = append(c.onError, f) })
}

// OnDead runs f after a message's dead letter is acknowledged (or, with NoDeadLetter, after
// the message was dropped). It is not called for what could not be decoded.
func OnDead[In any](f func(context.Context, In, error)) Option {
	return optionFunc(func(c *config) { c.onDead = append(c.onDead, f) })
}

// OnSuccess runs f after a worker's result is acknowledged, per item in batches. The key's
// next message may already run.
func OnSuccess[In, Out any](f func(context.Context, In, Out)) Option {
	return optionFunc(func(c *config) { c.onSuccess = append(c.onSuccess, f) })
}

// OnDone runs f when a message is handled and its results are acknowledged, also when the
// handler has no result or skipped it.
func OnDone[In any](f func(context.Context, In)) Option {
	return optionFunc(func(c *config) { c.onDone = append(c.onDone, f) })
}

// hooks are a handler's, with their types checked.
type hooks[In, Out any] struct {
	h               *handler
	onError, onDead []func(context.Context, In, error)
	onSuccess       []func(context.Context, In, Out)
	onDone          []func(context.Context, In)
}

func bindHooks[In, Out any](h *handler, hasOut bool) *hooks[In, Out] {
	c := &h.cfg
	hk := &hooks[In, Out]{h: h, onError: failureHooks[In](c, "OnError", c.onError), onDead: failureHooks[In](c, "OnDead", c.onDead)}
	for _, f := range c.onSuccess {
		hk.onSuccess = append(hk.onSuccess, successHook[In, Out](c, f)...)
	}
	if len(c.onSuccess) > 0 && !hasOut {
		c.faults = append(c.faults, errors.New("OnSuccess needs a worker with a result: use OnDone"))
	}
	for _, f := range c.onDone {
		hk.onDone = append(hk.onDone, doneHook[In](c, f)...)
	}
	return hk
}

func failureHooks[In any](c *config, name string, fs []any) (out []func(context.Context, In, error)) {
	for _, f := range fs {
		switch f := f.(type) {
		case func(context.Context, In, error):
			out = append(out, f)
		case func(context.Context, any, error):
			out = append(out, func(ctx context.Context, v In, err error) { f(ctx, v, err) })
		default:
			misfit[func(context.Context, In, error)](c, name, f)
		}
	}
	return out
}

func successHook[In, Out any](c *config, f any) []func(context.Context, In, Out) {
	switch f := f.(type) {
	case func(context.Context, In, Out):
		return []func(context.Context, In, Out){f}
	case func(context.Context, any, any):
		return []func(context.Context, In, Out){func(ctx context.Context, v In, o Out) { f(ctx, v, o) }}
	}
	misfit[func(context.Context, In, Out)](c, "OnSuccess", f)
	return nil
}

func doneHook[In any](c *config, f any) []func(context.Context, In) {
	switch f := f.(type) {
	case func(context.Context, In):
		return []func(context.Context, In){f}
	case func(context.Context, any):
		return []func(context.Context, In){func(ctx context.Context, v In) { f(ctx, v) }}
	}
	misfit[func(context.Context, In)](c, "OnDone", f)
	return nil
}

func misfit[Want any](c *config, name string, f any) {
	c.faults = append(c.faults, fmt.Errorf("%s takes %s, not %s", name, reflect.TypeFor[Want](), reflect.TypeOf(f)))
}

// run calls a hook; nothing that it does reaches the outcome.
func (h *handler) runHook(c *call, name string, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c), hookTime)
	defer cancel()
	begin := time.Now()
	err := recovered(func() error { f(ctx); return nil })
	if took := time.Since(begin); err == nil && took > hookTime {
		err = fmt.Errorf("took %v, %v are allowed", took, hookTime)
	}
	if err != nil {
		h.r.counters.hookFaults.Add(1)
		c.log(slog.LevelError, "hook "+name+" misbehaved", err)
	}
}

func (hk *hooks[In, Out]) failed(c *call, v In, err error) {
	for _, f := range hk.onError {
		hk.h.runHook(c, "OnError", func(ctx context.Context) { f(ctx, v, err) })
	}
}

func (hk *hooks[In, Out]) buried(c *call, v In, err error) {
	for _, f := range hk.onDead {
		hk.h.runHook(c, "OnDead", func(ctx context.Context) { f(ctx, v, err) })
	}
}

// after returns what follows a success, nil when no hook waits for it.
func (hk *hooks[In, Out]) after(c *call, v In, out *Out) func() {
	if len(hk.onDone) == 0 && (out == nil || len(hk.onSuccess) == 0) {
		return nil
	}
	return func() {
		if out != nil {
			for _, f := range hk.onSuccess {
				hk.h.runHook(c, "OnSuccess", func(ctx context.Context) { f(ctx, v, *out) })
			}
		}
		for _, f := range hk.onDone {
			hk.h.runHook(c, "OnDone", func(ctx context.Context) { f(ctx, v) })
		}
	}
}

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.uber.org/fx"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router"
)

// Go runs f in the background of the whole service, not of single workers: from when the
// handlers consume until f returns or the service stops, which ends ctx. An error or a panic
// ends the service with it. ctx carries the app, so that router.Publish works.
func Go[D any](f func(D, context.Context) error) fx.Option {
	return background(f, f)
}

// GoFunc is Go for a function without dependencies.
func GoFunc(f func(context.Context) error) fx.Option {
	return background(f, func(_ struct{}, ctx context.Context) error { return f(ctx) })
}

func background[D any](named any, f func(D, context.Context) error) fx.Option {
	name := cmp.Or(funcname.Of(named), "task")
	return register(decl{kind: task, name: name}, func(d D) part {
		return func(a *assembly) { a.run(name, func(ctx context.Context) error { return f(d, ctx) }) }
	})
}

func (a *assembly) run(name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(router.NewContext(context.Background(), router.NewProducer(a.router)))
	done := make(chan struct{})
	a.lifecycle.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				a.ended(ctx, name, recovered(ctx, f))
			}()
			return nil
		},
		OnStop: func(stopping context.Context) error {
			cancel()
			return a.waitFor(stopping, name, done)
		},
	})
}

// ended tells the service of a task that failed. What a task says about its own stop is no
// failure.
func (a *assembly) ended(ctx context.Context, name string, err error) {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return
	}
	a.fail(fmt.Errorf("%s: %w", name, err))
}

func recovered(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f(ctx)
}

func (a *assembly) waitFor(ctx context.Context, name string, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s still runs half of shutdown.timeout after its context ended", name)
	}
}

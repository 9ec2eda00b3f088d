package app

import (
	"context"
	"fmt"
	"reflect"

	"github.com/leat-go/leat/router"
)

// OnError is router.OnError for a method of the handler's own receiver.
func OnError[D, In any](h func(D, context.Context, In, error)) router.Option {
	return hook[D]{outside("OnError"), func(d D) router.Option {
		return router.OnError(func(ctx context.Context, v In, err error) { h(d, ctx, v, err) })
	}}
}

// OnDead is router.OnDead for a method of the handler's own receiver.
func OnDead[D, In any](h func(D, context.Context, In, error)) router.Option {
	return hook[D]{outside("OnDead"), func(d D) router.Option {
		return router.OnDead(func(ctx context.Context, v In, err error) { h(d, ctx, v, err) })
	}}
}

// OnSuccess is router.OnSuccess for a method of the handler's own receiver.
func OnSuccess[D, In, Out any](h func(D, context.Context, In, Out)) router.Option {
	return hook[D]{outside("OnSuccess"), func(d D) router.Option {
		return router.OnSuccess(func(ctx context.Context, v In, out Out) { h(d, ctx, v, out) })
	}}
}

// OnDone is router.OnDone for a method of the handler's own receiver.
func OnDone[D, In any](h func(D, context.Context, In)) router.Option {
	return hook[D]{outside("OnDone"), func(d D) router.Option {
		return router.OnDone(func(ctx context.Context, v In) { h(d, ctx, v) })
	}}
}

// hook is an option that waits for the receiver. The embedded one, a fault, counts where no
// verb of this package binds it.
type hook[D any] struct {
	router.Option
	bind func(D) router.Option
}

func (h hook[D]) bound(d D) router.Option { return h.bind(d) }
func (h hook[D]) receiver() reflect.Type  { return reflect.TypeFor[D]() }

func outside(name string) router.Option {
	return router.Invalid(fmt.Errorf("app.%s is for a verb of package app whose handler has a receiver, and not inside router.Options: use router.%s", name, name))
}

// bind gives the hooks among the options their receiver.
func bind[D any](d D, opts []router.Option) []router.Option {
	out := make([]router.Option, len(opts))
	for i, o := range opts {
		switch h := o.(type) {
		case interface{ bound(D) router.Option }:
			out[i] = h.bound(d)
		case interface{ receiver() reflect.Type }:
			out[i] = router.Invalid(fmt.Errorf("a hook has the receiver %s, its handler %s: use router's hooks for functions of other types",
				h.receiver(), reflect.TypeFor[D]()))
		default:
			out[i] = o
		}
	}
	return out
}

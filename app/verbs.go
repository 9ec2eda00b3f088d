package app

import (
	"context"
	"slices"

	"go.uber.org/fx"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// Consume hands every message of t to the method h, once per group; see router.Consume.
func Consume[D, T any](t topics.Topic[T], h func(D, context.Context, T) error, opts ...router.Option) fx.Option {
	return handler(h, opts, func(r *router.Router, d D, opts []router.Option) {
		router.Consume(r, t, func(ctx context.Context, v T) error { return h(d, ctx, v) }, opts...)
	})
}

// Work hands every message of in to the method h and publishes its result on out; see
// router.Work.
func Work[D, In, Out any](in topics.Topic[In], out topics.Topic[Out], h func(D, context.Context, In) (Out, error), opts ...router.Option) fx.Option {
	return handler(h, opts, func(r *router.Router, d D, opts []router.Option) {
		router.Work(r, in, out, func(ctx context.Context, v In) (Out, error) { return h(d, ctx, v) }, opts...)
	})
}

// ConsumeBatch is Consume in batches; see router.ConsumeBatch.
func ConsumeBatch[D, T any](t topics.Topic[T], h func(D, context.Context, []T) error, opts ...router.Option) fx.Option {
	return handler(h, opts, func(r *router.Router, d D, opts []router.Option) {
		router.ConsumeBatch(r, t, func(ctx context.Context, vs []T) error { return h(d, ctx, vs) }, opts...)
	})
}

// WorkBatch is Work in batches, with one result per item; see router.WorkBatch.
func WorkBatch[D, In, Out any](in topics.Topic[In], out topics.Topic[Out], h func(D, context.Context, []In) ([]Out, error), opts ...router.Option) fx.Option {
	return handler(h, opts, func(r *router.Router, d D, opts []router.Option) {
		router.WorkBatch(r, in, out, func(ctx context.Context, vs []In) ([]Out, error) { return h(d, ctx, vs) }, opts...)
	})
}

// ConsumeFunc is Consume for a function without dependencies.
func ConsumeFunc[T any](t topics.Topic[T], h func(context.Context, T) error, opts ...router.Option) fx.Option {
	return function(h, func(r *router.Router) { router.Consume(r, t, h, opts...) })
}

// WorkFunc is Work for a function without dependencies.
func WorkFunc[In, Out any](in topics.Topic[In], out topics.Topic[Out], h func(context.Context, In) (Out, error), opts ...router.Option) fx.Option {
	return function(h, func(r *router.Router) { router.Work(r, in, out, h, opts...) })
}

// ConsumeBatchFunc is ConsumeBatch for a function without dependencies.
func ConsumeBatchFunc[T any](t topics.Topic[T], h func(context.Context, []T) error, opts ...router.Option) fx.Option {
	return function(h, func(r *router.Router) { router.ConsumeBatch(r, t, h, opts...) })
}

// WorkBatchFunc is WorkBatch for a function without dependencies.
func WorkBatchFunc[In, Out any](in topics.Topic[In], out topics.Topic[Out], h func(context.Context, []In) ([]Out, error), opts ...router.Option) fx.Option {
	return function(h, func(r *router.Router) { router.WorkBatch(r, in, out, h, opts...) })
}

// handler registers a method: add is called with its receiver.
func handler[D any](h any, opts []router.Option, add func(*router.Router, D, []router.Option)) fx.Option {
	name := funcname.Of(h)
	opts = slices.Concat([]router.Option{router.Name(name)}, opts)
	wire := func(r *router.Router, d D) { add(r, d, bind(d, opts)) }
	describe := func(r *router.Router) {
		var d D
		wire(r, d)
	}
	return register(decl{kind: handling, name: name, declare: describe}, func(d D) part {
		return func(a *assembly) { wire(a.router, d) }
	})
}

func function(h any, add func(*router.Router)) fx.Option {
	return register(decl{kind: handling, name: funcname.Of(h), declare: add}, func(struct{}) part {
		return func(a *assembly) { add(a.router) }
	})
}

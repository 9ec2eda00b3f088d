package router

import (
	"context"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/topics"
)

// Consume hands every message of t to h, once per group. The message is done when h returns
// nil; an error is tried again as [Retry] says and then goes to the dead letters.
func Consume[T any](r *Router, t topics.Topic[T], h func(context.Context, T) error, opts ...Option) {
	single[T, none](r, t, nil, h, opts, func(ctx context.Context, v T) (none, error) { return none{}, h(ctx, v) })
}

// Work is Consume for a handler with a result, which is published on out before the message
// is done. Its key is the out topic's Key of it, else the key of the input. Returning [Skip]
// publishes nothing.
func Work[In, Out any](r *Router, in topics.Topic[In], out topics.Topic[Out], h func(context.Context, In) (Out, error), opts ...Option) {
	single(r, in, out, h, opts, h)
}

func single[In, Out any](r *Router, in topics.Topic[In], out topics.Topic[Out], named any, opts []Option, fn func(context.Context, In) (Out, error)) {
	h := r.newHandler(funcname.Of(named), in.Spec(), specOf(out), false, opts)
	h.checked = isChecked[In]()
	h.single = newTyped(h, out, fn).handle
	r.add(h)
}

// ConsumeBatch hands messages over in batches: full at [BatchSize], or what came within
// [BatchWait] of the first. Messages of one key are in order within a batch and never in two
// at once. An error fails all items, [BatchErrors] only those that it names.
func ConsumeBatch[T any](r *Router, t topics.Topic[T], h func(context.Context, []T) error, opts ...Option) {
	batched[T, none](r, t, nil, h, opts, func(ctx context.Context, vs []T) ([]none, error) { return nil, h(ctx, vs) })
}

// WorkBatch is ConsumeBatch for a handler with one result per item, by index. BatchErrors
// with [Skip] for an item publishes nothing for it.
func WorkBatch[In, Out any](r *Router, in topics.Topic[In], out topics.Topic[Out], h func(context.Context, []In) ([]Out, error), opts ...Option) {
	batched(r, in, out, h, opts, h)
}

func batched[In, Out any](r *Router, in topics.Topic[In], out topics.Topic[Out], named any, opts []Option, fn func(context.Context, []In) ([]Out, error)) {
	h := r.newHandler(funcname.Of(named), in.Spec(), specOf(out), true, opts)
	h.checked = isChecked[In]()
	h.batch = newTypedBatch(h, out, fn).handle
	r.add(h)
}

func specOf[T any](t topics.Topic[T]) *topics.Spec {
	if t == nil {
		return nil
	}
	s := t.Spec()
	return &s
}

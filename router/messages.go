package router

import (
	"context"
	"errors"
	"iter"
	"maps"
	"sync"

	"github.com/leat-go/leat/topics"
)

// Delivery is a message of a pull loop. It must be ended by Ack or Nack; the next message of
// its key comes after that.
type Delivery[T any] struct {
	Value T
	Meta  Metadata
	ctx   context.Context //nolint:containedctx // of the message, as in a handler
	ended chan error
	once  sync.Once
}

// Context belongs to the message as a handler's does: it ends when the message is taken away.
func (d *Delivery[T]) Context() context.Context { return d.ctx }

// Ack says that the message is done. A second end has no effect.
func (d *Delivery[T]) Ack() { d.once.Do(func() { d.ended <- nil }) }

// Nack says that handling failed: retries and dead letters follow as in a handler.
func (d *Delivery[T]) Nack(err error) {
	if err == nil {
		err = errors.New("nack")
	}
	d.once.Do(func() { d.ended <- err })
}

// Messages is a pull loop: it joins the group of the options and yields messages until ctx or
// the loop ends; what is not ended by then comes again. At most Concurrency deliveries are
// open at once. No Run is needed. What cannot be decoded goes to the dead letters. The error
// is terminal.
func Messages[T any](ctx context.Context, r *Router, t topics.Topic[T], opts ...Option) iter.Seq2[*Delivery[T], error] {
	return func(yield func(*Delivery[T], error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		out := make(chan *Delivery[T])
		own := r.private()
		Consume(own, t, func(hctx context.Context, v T) error { return pull(ctx, hctx, v, out) },
			append([]Option{Name("router.Messages " + t.Spec().Name)}, opts...)...)
		failed := make(chan error, 1)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		wg.Go(func() { failed <- own.Run(ctx) })
		for {
			select {
			case d := <-out:
				if !yield(d, nil) {
					return
				}
			case err := <-failed:
				if err != nil {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// pull hands one message to the loop and waits for its end.
func pull[T any](ctx, hctx context.Context, v T, out chan<- *Delivery[T]) error {
	d := &Delivery[T]{Value: v, Meta: Meta(hctx), ctx: hctx, ended: make(chan error, 1)}
	select {
	case out <- d:
	case <-ctx.Done():
		return errUnpulled
	case <-hctx.Done():
		return hctx.Err()
	}
	select {
	case err := <-d.ended:
		return err
	case <-ctx.Done():
		select {
		case err := <-d.ended: // ended just before the loop
			return err
		default:
			return errUnpulled
		}
	case <-hctx.Done():
		return hctx.Err()
	}
}

// errUnpulled gives a message back uncounted: its loop is over.
var errUnpulled = &unpulledError{}

type unpulledError struct{}

func (*unpulledError) Error() string { return "the pull loop ended" }

// private is a router with the same ways and no handlers.
func (r *Router) private() *Router {
	own := New(r.broker, Service(r.service), Logger(r.log), r.conv, Defaults(r.defaults...), Use(r.mw...))
	maps.Copy(own.codecs, r.codecs)
	return own
}

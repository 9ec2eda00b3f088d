package router

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// lone is one value that somebody publishes and waits for, with most of what that needs.
type lone struct {
	sending
	oneRecord
	over chan struct{} // closed when settled or late

	mu      sync.Mutex
	settled bool
	late    bool // the timeout has passed before
	rc      broker.Receipt
	err     error
}

// publishOne encodes a value, sends it and waits.
func (r *Router) publishOne(ctx context.Context, s *topics.Spec, w *lone) (Receipt, error) {
	rec, err := r.recordAlone(ctx, s, &w.oneRecord, &w.sending)
	if err != nil {
		return Receipt{}, err
	}
	if r.conv.FireAndForget && ownerOf(ctx) == nil {
		r.produce(ctx, rec, func(_ broker.Receipt, err error) { r.lost(s.Name, err) })
		return Receipt{}, nil
	}
	w.over = make(chan struct{})
	if !r.produceDirect(ctx, rec, w.done) {
		r.produce(ctx, rec, w.done)
	}
	return w.wait(ctx, s.Name, r.broker.Sends().Timeout())
}

// produceDirect lets the caller write by itself where the broker can do that.
func (r *Router) produceDirect(ctx context.Context, rec *broker.Record, done func(broker.Receipt, error)) bool {
	if ownerOf(ctx) != nil {
		return false
	}
	p, ok := r.broker.Sends().(broker.DirectProducer)
	return ok && p.ProduceDirect(ctx, rec, done)
}

// recordAlone makes the record of a value that is published alone, in memory of its own.
func (r *Router) recordAlone(ctx context.Context, s *topics.Spec, own *oneRecord, o *sending) (rec *broker.Record, err error) {
	if err = r.ensure(ctx, s); err == nil {
		m := own.slab()
		rec, err = r.record(ctx, &m, ownerOf(ctx), s, o)
	}
	if err != nil {
		return nil, allFailed(s.Name, 1, err)
	}
	return rec, nil
}

func (w *lone) done(rc broker.Receipt, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled, w.rc, w.err = true, rc, err
	if !w.late {
		close(w.over)
	}
}

func (w *lone) isSettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled
}

func (w *lone) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.settled {
		w.late = true
		close(w.over)
	}
}

// wait returns when the record is settled, or ctx or the timeout has ended the patience.
func (w *lone) wait(ctx context.Context, topic string, timeout time.Duration) (Receipt, error) {
	if timeout > 0 && !w.isSettled() {
		defer time.AfterFunc(timeout, w.expire).Stop()
	}
	select {
	case <-w.over:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.settled && w.late:
		return Receipt{}, unknown(topic, fmt.Errorf("no answer within %v", timeout))
	case !w.settled:
		return Receipt{}, unknown(topic, context.Cause(ctx))
	case w.err != nil:
		return Receipt{}, &PublishError{topic, map[int]error{0: w.err}}
	default:
		return Receipt(w.rc), nil
	}
}

func unknown(topic string, cause error) *PublishError {
	return &PublishError{topic, map[int]error{0: fmt.Errorf("%w: %w", broker.ErrOutcomeUnknown, cause)}}
}

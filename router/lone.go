package router

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// lone is one value that somebody publishes and waits for, with most of what that needs. It serves another one once
// the broker is done with it.
type lone struct {
	sending
	roomForOne
	tell  func(broker.Receipt, error) // done
	over  chan struct{}               // told once, when settled or late
	timer *time.Timer                 // calls expire

	mu sync.Mutex
	fate
}

// fate is what became of a value.
type fate struct {
	settled bool
	late    bool // the timeout has passed before
	rc      broker.Receipt
	err     error
}

func (r *Router) newLone() *lone {
	if w, ok := r.lones.Get().(*lone); ok {
		return w
	}
	w := &lone{over: make(chan struct{}, 1)}
	w.tell = w.done
	return w
}

// publishOne encodes a value, sends it and waits.
func (r *Router) publishOne(ctx context.Context, s *topics.Spec, w *lone) (Receipt, error) {
	m := w.slab()
	rec, err := r.recordAlone(ctx, s, &m, &w.sending)
	if err != nil {
		return Receipt{}, err
	}
	if r.conv.FireAndForget && ownerOf(ctx) == nil {
		r.produce(ctx, rec, func(_ broker.Receipt, err error) { r.lost(s.Name, err) })
		return Receipt{}, nil
	}
	if !r.produceDirect(ctx, rec, w.tell) {
		r.produce(ctx, rec, w.tell)
	}
	timeout := r.broker.Sends().Timeout()
	free := w.wait(ctx, timeout)
	rc, err := w.result(ctx, s.Name, timeout)
	if free {
		w.sending, w.roomForOne, w.fate = sending{}, roomForOne{}, fate{} // nothing that was sent lives longer for it
		r.lones.Put(w)
	}
	return rc, err
}

// produceDirect lets the caller write by itself where the broker can do that.
func (r *Router) produceDirect(ctx context.Context, rec *broker.Record, done func(broker.Receipt, error)) bool {
	if ownerOf(ctx) != nil {
		return false
	}
	p, ok := r.broker.Sends().(broker.DirectProducer)
	return ok && p.ProduceDirect(ctx, rec, done)
}

// recordAlone makes the record of a value that is published alone, in m.
func (r *Router) recordAlone(ctx context.Context, s *topics.Spec, m *slab, o *sending) (rec *broker.Record, err error) {
	if err = r.ensure(ctx, s); err == nil {
		rec, err = r.record(ctx, m, ownerOf(ctx), s, o)
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
		w.over <- struct{}{}
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
		w.over <- struct{}{}
	}
}

// wait returns when the record is settled, or ctx or the timeout has ended the patience. It reports whether nobody
// else will come back to w.
func (w *lone) wait(ctx context.Context, timeout time.Duration) (free bool) {
	timed := timeout > 0 && !w.isSettled()
	if timed {
		w.start(timeout)
	}
	over := false
	select {
	case <-w.over:
		over = true
	case <-ctx.Done():
	}
	stopped := !timed || w.timer.Stop()
	return over && stopped
}

func (w *lone) start(timeout time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(timeout, w.expire)
	} else {
		w.timer.Reset(timeout)
	}
}

// result is what the caller is told after wait.
func (w *lone) result(ctx context.Context, topic string, timeout time.Duration) (Receipt, error) {
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

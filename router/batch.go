package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// typedBatch runs a batch handler.
type typedBatch[In, Out any] struct {
	one   *typed[In, Out] // what a single item needs: hooks, encoding
	h     *handler
	fn    func(context.Context, []In) ([]Out, error)
	chain message.HandlerFunc
}

// item is one message of a batch.
type item[In, Out any] struct {
	call
	in  *In
	out *Out // nil while there is none
}

// batchCall is one call of a batch handler, and its context.
type batchCall struct {
	*call // the first item stands for the batch
	calls []*call
	run   func(context.Context) error // the handler, for inside of middleware
}

func newTypedBatch[In, Out any](h *handler, out topics.Topic[Out], fn func(context.Context, []In) ([]Out, error)) *typedBatch[In, Out] {
	t := &typedBatch[In, Out]{h: h, fn: fn}
	t.one = newResults[In, Out](h, out)
	if len(h.middleware()) > 0 {
		t.chain = h.compose(insideBatch)
	}
	return t
}

// Value finds the batch in place of its first item.
func (b *batchCall) Value(key any) any {
	if key == any(callKey{}) {
		return b
	}
	return b.call.Value(key)
}

func (b *batchCall) each(f func(*call)) {
	for _, c := range b.calls {
		f(c)
	}
}

// What a batch publishes besides its results belongs to all of its items.
func (b *batchCall) expect()       { b.each((*call).expect) }
func (b *batchCall) acknowledged() { b.each((*call).acknowledged) }
func (b *batchCall) hold()         { b.each((*call).hold) }
func (b *batchCall) giveBack()     { b.each((*call).giveBack) }

func (b *batchCall) refused(o *output, err error) {
	o.done(broker.Receipt{}, err)
	b.acknowledged()
}

func (t *typedBatch[In, Out]) handle(ds []broker.Delivery) {
	s := &stops{unordered: t.h.cfg.unordered}
	items, ins := t.decode(ds, s)
	if len(items) == 0 {
		return
	}
	b := &batchCall{call: &items[0].call, calls: make([]*call, len(items))}
	for i, it := range items {
		b.calls[i] = &it.call
	}
	t.keep(items, ins)
	outs, err := t.call(b, ins)
	t.settle(items, outs, err, s)
}

// settle ends all items. Those with a result go on when all results are handed over, so that
// the results of a key keep their order.
func (t *typedBatch[In, Out]) settle(items []*item[In, Out], outs []Out, err error, s *stops) {
	m := slab{lot: t.h.r.newLot()}
	ready, recs := items[:0], make([]*broker.Record, 0, len(items)) // in the room of items, which is read further on
	for i, it := range items {
		if rec := t.end(it, i, outs, itemError(err, i), s, &m); rec != nil {
			it.expect()
			ready, recs = append(ready, it), append(recs, rec)
		}
	}
	t.h.r.outputs.sendAll(recs, m.lot, func(i int) owner { return &ready[i].call })
	for _, it := range ready {
		it.finish(t.one.hooks.after(&it.call, *it.in, it.out))
	}
}

// keep gives hooks the values as they came: those of the handler may change.
func (t *typedBatch[In, Out]) keep(items []*item[In, Out], ins []In) {
	if len(t.one.hooks.onSuccess)+len(t.one.hooks.onDone) > 0 {
		ins = slices.Clone(ins)
	}
	for i, it := range items {
		it.in = &ins[i]
	}
}

// decode takes out what cannot be decoded, and what stands behind a key that must wait.
func (t *typedBatch[In, Out]) decode(ds []broker.Delivery, s *stops) (items []*item[In, Out], ins []In) {
	items, ins = make([]*item[In, Out], 0, len(ds)), make([]In, len(ds))
	all := make([]item[In, Out], len(ds))
	for i, d := range ds {
		it, in := &all[i], &ins[len(items)]
		it.begin(t.h, d)
		if t.decodeOne(&it.call, in, s) {
			items = append(items, it)
		} else {
			*in = *new(In)
		}
	}
	return items, ins[:len(items)]
}

// decodeOne reports whether the message goes to the handler; else it is settled.
func (t *typedBatch[In, Out]) decodeOne(c *call, in *In, s *stops) bool {
	if s.stopped(c) {
		c.again()
		return false
	}
	err := decodeInto(c, in)
	switch {
	case errors.Is(err, codec.ErrUnavailable):
		s.stop(c)
		c.postpone(err)
	case errors.Is(err, Skip):
		c.finish(nil)
	case err != nil:
		c.fail(err)
	default:
		t.one.hooks.bind(c, *in)
		return true
	}
	return false
}

func (t *typedBatch[In, Out]) call(b *batchCall, ins []In) (outs []Out, err error) {
	b.run = func(ctx context.Context) (err error) {
		outs, err = t.fn(ctx, ins)
		return err
	}
	err = t.h.limited(b, b.call, func(ctx context.Context) error {
		if t.chain == nil {
			return b.run(ctx)
		}
		m := b.message() //nolint:contextcheck // the call is the context
		m.SetContext(ctx)
		_, err := t.chain(m)
		return err
	})
	_, some := errors.AsType[BatchErrors](err)
	if t.one.out != nil && len(outs) != len(ins) && (err == nil || some) {
		return nil, fmt.Errorf("%s returned %d results for %d messages", t.h.info.Name, len(outs), len(ins))
	}
	return outs, err
}

func insideBatch(m *message.Message) ([]*message.Message, error) {
	b, ok := m.Context().Value(callKey{}).(*batchCall)
	if !ok {
		return nil, errors.New("a middleware replaced the context of the message: derive it from the one that was there")
	}
	return nil, b.run(m.Context())
}

// itemError is what an error of the batch means for one item.
func itemError(err error, i int) error {
	if some, ok := errors.AsType[BatchErrors](err); ok {
		return some[i]
	}
	return err
}

// end settles an item that has no result, and returns the result of one that has.
func (t *typedBatch[In, Out]) end(it *item[In, Out], i int, outs []Out, err error, s *stops, m *slab) *broker.Record {
	c := &it.call
	if s.stopped(c) && (err == nil || errors.Is(err, Skip)) {
		c.again()
		return nil
	}
	if err != nil && !errors.Is(err, Skip) {
		s.stopUnless(c, t.h.policy.Decide(err, c.d.Attempt()).Dead)
		t.one.end(c, it.in, it.out, nil, err)
		return nil
	}
	if err == nil && t.one.out != nil {
		it.out = &outs[i]
		var rec *broker.Record
		if rec, err = t.one.encode(c, it.out, m); err == nil && !c.interrupted() {
			return rec
		}
		if err != nil && !errors.Is(err, codec.ErrUnavailable) {
			s.stop(c)
		}
	}
	t.one.end(c, it.in, it.out, nil, err)
	return nil
}

// again gives an item back behind one of its key, without counting an attempt.
func (c *call) again() {
	if c.interrupted() {
		c.giveBack()
		return
	}
	c.log(slog.LevelDebug, "handled again behind a message of its key", nil)
	c.d.Park(c.d.Attempt(), time.Now(), c.d.FirstFailed())
	c.settle(ErrInterrupted)
}

// stops remembers the keys of a batch that wait.
type stops struct {
	unordered bool
	keys      map[string]bool
}

func (s *stops) key(c *call) (string, bool) {
	if len(c.rec.Key) == 0 && s.unordered {
		return "", false
	}
	return fmt.Sprintf("%d/%s", c.rec.Partition, c.rec.Key), true
}

func (s *stops) stopped(c *call) bool {
	if s.keys == nil {
		return false
	}
	k, ok := s.key(c)
	return ok && s.keys[k]
}

func (s *stops) stop(c *call) {
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	if k, ok := s.key(c); ok {
		s.keys[k] = true
	}
}

func (s *stops) stopUnless(c *call, dead bool) {
	if !dead {
		s.stop(c)
	}
}

package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// none is the result of handlers without one.
type none struct{}

// typed runs a handler of single messages on the engine's workers.
type typed[In, Out any] struct {
	h     *handler
	hooks *hooks[In, Out]
	fn    func(context.Context, In) (Out, error)
	out   topics.Topic[Out]   // nil without results
	form  form                // of results
	chain message.HandlerFunc // nil without middleware
}

// exchange carries value and result past the middleware.
type exchange[In, Out any] struct {
	in     In
	result Out
	out    *Out              // the result, nil while there is none
	recs   [1]*broker.Record // the encoded result
}

// trial is a call with what it handles, in one allocation.
type trial[In, Out any] struct {
	call
	x exchange[In, Out]
}

func newTyped[In, Out any](h *handler, out topics.Topic[Out], fn func(context.Context, In) (Out, error)) *typed[In, Out] {
	t := newResults[In, Out](h, out)
	t.fn = fn
	if len(h.middleware()) > 0 {
		t.chain = h.compose(t.inside)
	}
	return t
}

// newResults is a typed without a handler: what follows one, hooks and encoding.
func newResults[In, Out any](h *handler, out topics.Topic[Out]) *typed[In, Out] {
	t := &typed[In, Out]{h: h, out: out, hooks: bindHooks[In, Out](h, out != nil)}
	if out != nil {
		t.form = formOf[Out](h.r, h.out)
	}
	return t
}

func (t *typed[In, Out]) handle(d broker.Delivery) {
	one := new(trial[In, Out])
	c, x := &one.call, &one.x
	c.begin(t.h, d)
	err := decodeInto(c, &x.in)
	switch {
	case errors.Is(err, codec.ErrUnavailable):
		c.postpone(err)
		return
	case errors.Is(err, Skip):
		c.finish(nil)
		return
	case err != nil:
		c.fail(err)
		return
	}
	t.hooks.bind(c, x.in)
	recs, err := t.attempt(c, x)
	t.end(c, &x.in, x.out, recs, err)
}

// end settles an attempt by what the handler and its middleware returned.
func (t *typed[In, Out]) end(c *call, in *In, out *Out, recs []*broker.Record, err error) {
	switch {
	case c.interrupted():
		c.giveBack()
	case errors.Is(err, Skip):
		c.finish(t.hooks.after(c, *in, nil))
	case errors.Is(err, codec.ErrUnavailable) && out != nil:
		t.encodeLater(c, in, out)
	case err != nil:
		c.fail(err)
	default:
		for _, rec := range recs {
			c.output(rec)
		}
		c.finish(t.hooks.after(c, *in, out))
	}
}

// attempt calls the handler within its time and returns the results as records.
func (t *typed[In, Out]) attempt(c *call, x *exchange[In, Out]) (recs []*broker.Record, err error) {
	err = t.h.limited(c, c, func(ctx context.Context) error {
		if t.chain != nil {
			recs, err = t.through(ctx, c, x)
			return err
		}
		if err := t.call(ctx, c, x); err != nil || x.recs[0] == nil {
			return err
		}
		recs = x.recs[:]
		return nil
	})
	return recs, err
}

// call runs the handler and encodes its result.
func (t *typed[In, Out]) call(ctx context.Context, c *call, x *exchange[In, Out]) error {
	result, err := t.fn(ctx, x.in)
	if err != nil || t.out == nil {
		return err
	}
	x.result, x.out = result, &x.result
	x.recs[0], err = t.encodeOne(c, x.out)
	return err
}

func (t *typed[In, Out]) encodeOne(c *call, out *Out) (*broker.Record, error) {
	m := new(oneRecord).slab()
	return t.encode(c, out, &m)
}

func (t *typed[In, Out]) encode(c *call, out *Out, m *slab) (*broker.Record, error) {
	key, err := keyFor(t.out, t.h.out, out)
	if err != nil {
		return nil, err
	}
	o := sending{key: key}
	set(&o, out, t.form)
	if o.key == "" {
		o.key = c.key()
	}
	rec, err := t.h.r.record(c, m, c, t.h.out, &o)
	if err != nil {
		return nil, err
	}
	if err := t.h.r.broker.Outputs().Check(rec); err != nil {
		return nil, fmt.Errorf("result for %s: %w", rec.Topic, err)
	}
	return rec, nil
}

// through runs the handler inside its middleware.
func (t *typed[In, Out]) through(ctx context.Context, c *call, x *exchange[In, Out]) ([]*broker.Record, error) {
	c.wish(func(w *wishes) { w.exchange = x })
	m := c.message() //nolint:contextcheck // the call is the context
	m.SetContext(ctx)
	outs, err := t.chain(m)
	if err != nil || t.out == nil {
		return nil, err
	}
	recs := make([]*broker.Record, len(outs))
	for i, o := range outs {
		if i == 0 && x.recs[0] != nil && unchanged(o, x.recs[0]) {
			recs[i] = x.recs[0] // with its headers in their order
		} else {
			recs[i] = fromMessage(t.h.out.Name, o, x.recs[0])
		}
	}
	return recs, nil
}

// inside is the innermost handler of the chain.
func (t *typed[In, Out]) inside(m *message.Message) ([]*message.Message, error) {
	c, ok := m.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("a middleware replaced the context of the message: derive it from the one that was there")
	}
	x := c.wished().exchange.(*exchange[In, Out]) //nolint:forcetypeassert // set by through
	if err := t.call(m.Context(), c, x); err != nil || x.recs[0] == nil {
		return nil, err
	}
	return message.Messages{toMessage(x.recs[0])}, nil
}

// encodeLater keeps a result while its schema registry is away: the handler does not run again.
func (t *typed[In, Out]) encodeLater(c *call, in *In, out *Out) {
	c.expect()
	c.finish(t.hooks.after(c, *in, out))
	c.d.Hold()
	t.h.r.counters.degraded.Add(1)
	t.h.r.counters.schemaWaits.Add(1)
	var again func()
	again = func() {
		rec, err := t.encodeOne(c, out)
		switch {
		case err == nil:
			t.h.r.counters.degraded.Add(-1)
			t.h.r.outputs.send(output{c: c, rec: rec})
		case c.interrupted() || !errors.Is(err, codec.ErrUnavailable):
			t.h.r.counters.degraded.Add(-1)
			c.fail(err)
		default:
			t.h.r.counters.schemaWaits.Add(1)
			c.log(slog.LevelWarn, "waiting to encode a result", err)
			time.AfterFunc(postponeWait, again)
		}
	}
	time.AfterFunc(postponeWait, again)
}

// decodeInto turns the record into a value, and checks it.
func decodeInto[In any](c *call, v *In) error {
	if c.h.keys != nil {
		if err := c.decodeKey(); err != nil {
			return err
		}
	}
	if c.rec.Value == nil && c.h.in.Kind == topics.KindState {
		return nil
	}
	if c.rec.Value == nil && c.h.in.Format != topics.Raw {
		return undecodable(c.rec, errNilValue)
	}
	err := recovered(func() error { return c.h.decode(c, v) })
	switch {
	case errors.Is(err, codec.ErrUnavailable):
		return err
	case errors.Is(err, errUnknownType) && c.h.cfg.skipUnknown:
		return Skip
	case err != nil:
		return undecodable(c.rec, err)
	}
	if !c.h.checked {
		return nil
	}
	if err := shapeOf(reflect.TypeOf(*v)).validate(*v); err != nil {
		return invalid(fmt.Errorf("%s/%d at offset %s is invalid: %w", c.rec.Topic, c.rec.Partition, c.rec.Offset, err))
	}
	return nil
}

func (h *handler) decode(c *call, v any) error {
	if h.cases != nil {
		return h.cases.decode(c, reflect.ValueOf(v).Elem())
	}
	return h.inCodec.Decode(c, c.rec.Value, &c.rec.Headers, v)
}

func (hk *hooks[In, Out]) bind(c *call, v In) {
	if len(hk.onError) > 0 {
		c.onError = func(err error) { hk.failed(c, v, err) }
	}
	if len(hk.onDead) > 0 {
		c.onDead = func(err error) { hk.buried(c, v, err) }
	}
}

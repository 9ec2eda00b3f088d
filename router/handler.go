package router

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// handler is one registration: exactly one of the functions is set.
type handler struct {
	r        *Router
	info     HandlerInfo
	cfg      config
	in       topics.Spec
	out      *topics.Spec
	inCodec  codec.Codec
	outCodec codec.Codec
	cases    *cases         // nil when the topic carries one type
	checked  bool           // its values may be invalid, see validate
	keys     codec.KeyCodec // nil when keys are text
	policy   outcome.Policy
	single   func(broker.Delivery)
	batch    func([]broker.Delivery)
	names    context.Context //nolint:containedctx // Watermill's names for the handler, see name
}

// newHandler adds up the options: built-in defaults, the router's, the handler's, settings.
func (r *Router) newHandler(name string, in topics.Spec, out *topics.Spec, batch bool, opts []Option) *handler {
	c := config{name: name, concurrency: DefaultConcurrency, retries: DefaultRetries}
	if batch {
		c.batchSize, c.batchWait = DefaultBatchSize, DefaultBatchWait
	}
	apply(&c, slices.Concat(r.defaults, opts))
	if !batch {
		for _, o := range c.batchOptions {
			c.faults = append(c.faults, fmt.Errorf("%s has no effect on a handler of single messages", o))
		}
	}
	if r.conv.Handler != nil {
		apply(&c, r.conv.Handler(c.name))
	}
	h := &handler{r: r, cfg: c, in: r.declare(in)}
	if out != nil {
		s := r.declareOut(*out)
		h.out = &s
	}
	return h
}

func apply(c *config, opts []Option) {
	for _, o := range opts {
		o.apply(c)
	}
}

// add finishes a registration.
func (r *Router) add(h *handler) {
	if h.cfg.disabled {
		return
	}
	h.cfg.group = cmp.Or(h.cfg.group, r.service)
	h.policy = outcome.Policy{Retries: h.cfg.retries, Wait: h.cfg.backoff.Wait}
	h.inCodec = r.codecs[h.in.Format]
	h.cases = casesOf(h.in, h.inCodec)
	h.keys, _ = r.codecs[h.in.KeyFormat].(codec.KeyCodec)
	h.info = h.describe()
	r.check(h)
	r.handlers = append(r.handlers, h)
}

func (h *handler) describe() HandlerInfo {
	i := HandlerInfo{
		Name: h.cfg.name, Group: h.cfg.group, Topic: h.in.Name, Concurrency: h.cfg.concurrency,
		Retries: h.cfg.retries, Broadcast: h.cfg.broadcast,
	}
	if h.batch != nil {
		i.BatchSize = h.cfg.batchSize
	}
	if h.out != nil {
		i.Out = h.out.Name
		h.outCodec = h.r.codecs[h.out.Format]
	}
	if !h.cfg.noDead {
		i.DeadLetter = cmp.Or(h.cfg.dead, h.r.conv.DeadLetterTopic, h.in.Name+".dlq")
	}
	return i
}

func (r *Router) check(h *handler) {
	name := h.info.Name
	if name == "" {
		r.fault("a handler of topic %s is an anonymous function and needs router.Name", h.in.Name)
	}
	for _, err := range h.cfg.faults {
		r.fault("%s: %w", cmp.Or(name, "handler of "+h.in.Name), err)
	}
	c := h.cfg
	switch {
	case h.out != nil && h.out.Name == h.in.Name:
		r.fault("%s reads and writes topic %s: give the results a topic of their own", name, h.in.Name)
	case h.info.DeadLetter == h.in.Name:
		r.fault("%s: topic %s cannot be its own dead letter topic", name, h.in.Name)
	case c.noDead && c.dead != "":
		r.fault("%s has router.DeadLetter and router.NoDeadLetter: choose one", name)
	}
	if c.concurrency < 1 {
		r.fault("%s: concurrency must be at least 1, not %d", name, c.concurrency)
	}
	if c.retries < 0 {
		r.fault("%s: retries must be at least 0, not %d", name, c.retries)
	}
	if h.batch != nil && (c.batchSize < 1 || c.batchWait <= 0) {
		r.fault("%s: a batch needs a size of at least 1 and a wait, not %d and %v", name, c.batchSize, c.batchWait)
	}
}

// compose wraps f in the middleware of router and handler, outermost first.
func (h *handler) compose(f message.HandlerFunc) message.HandlerFunc {
	for _, mw := range slices.Backward(h.middleware()) {
		f = mw(f)
	}
	return f
}

func (h *handler) middleware() []message.HandlerMiddleware { return slices.Concat(h.r.mw, h.cfg.mw) }

func (h *handler) subscription() broker.Subscription {
	c := h.cfg
	s := broker.Subscription{
		Topic: h.in.Name, Kind: h.in.Kind, Start: c.from, Concurrency: c.concurrency, Unordered: c.unordered,
		Bounds: h.r.conv.Bounds, Handle: h.single,
	}
	if c.broadcast && s.Start == broker.StartDefault {
		s.Start = broker.StartLatest
	}
	if h.batch != nil {
		s.Handle, s.HandleBatch, s.BatchSize, s.BatchWait = nil, h.batch, c.batchSize, c.batchWait
	}
	return s
}

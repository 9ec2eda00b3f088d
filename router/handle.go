package router

import (
	"context"
	"errors"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Handle registers a plain Watermill handler with the same options and semantics as typed
// ones: order per key, retries without holding a worker, dead letters. The payload is not
// decoded, and neither is a key with a KeyFormat. What the handler returns decides; the message's own Ack and Nack do nothing.
func (r *Router) Handle(topic string, h message.NoPublishHandlerFunc, opts ...Option) {
	spec, declared := r.declared[topic]
	if !declared {
		spec = topics.Spec{Name: topic, Kind: topics.KindEvent, Format: topics.Raw}
	}
	hd := r.newHandler(funcname.Of(h), spec, nil, false, opts)
	if n := len(hd.cfg.onError) + len(hd.cfg.onDead) + len(hd.cfg.onSuccess) + len(hd.cfg.onDone); n > 0 {
		hd.cfg.faults = append(hd.cfg.faults, errors.New("hooks belong to typed handlers, a plain one sees its own errors"))
	}
	p := &plain{h: hd, chain: hd.compose(func(m *message.Message) ([]*message.Message, error) { return nil, h(m) })}
	hd.single = p.handle
	r.add(hd)
}

// plain runs a handler that takes messages as they are.
type plain struct {
	h     *handler
	chain message.HandlerFunc
}

func (p *plain) handle(d broker.Delivery) {
	c := p.h.begin(d)
	m := message.NewMessage(c.id(), c.rec.Value)
	m.Metadata = c.rec.Headers.Map()
	err := p.h.limited(c, c, func(ctx context.Context) error {
		m.SetContext(ctx)
		_, err := p.chain(m)
		return err
	})
	switch {
	case c.interrupted():
		c.giveBack()
	case err != nil && !errors.Is(err, Skip):
		c.fail(err)
	default:
		c.finish(nil)
	}
}

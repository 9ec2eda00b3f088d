package router

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
)

// name lets a message.Router write the names of each handler into a context, where Watermill's
// middleware looks for them (message.HandlerNameFromCtx and its kin): nobody else can. The
// names of a handler never change, so that one message each will do.
func (r *Router) name(ctx context.Context) error {
	if len(r.handlers) == 0 {
		return nil
	}
	wr, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	for _, h := range r.handlers {
		keep := func(m *message.Message) ([]*message.Message, error) {
			h.names = m.Context()
			return nil, nil
		}
		wr.AddHandler(h.info.Name, h.in.Name, oneMessage(r.broker.Name()), h.info.Out, oneMessage(r.broker.Name()), keep)
	}
	if err := wr.Run(ctx); err != nil {
		return fmt.Errorf("name the handlers: %w", err)
	}
	return nil
}

// oneMessage is a subscription with one message, and a publisher that has nothing to do.
type oneMessage string

// String is what Watermill takes for the name.
func (o oneMessage) String() string { return string(o) }

// Subscribe returns a channel that ends after one message.
func (oneMessage) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	ms := make(chan *message.Message, 1)
	m := message.NewMessage("", nil)
	m.SetContext(context.WithoutCancel(ctx))
	ms <- m
	close(ms)
	return ms, nil
}

// Publish is never called with a message.
func (oneMessage) Publish(string, ...*message.Message) error { return nil }

// Close does nothing.
func (oneMessage) Close() error { return nil }

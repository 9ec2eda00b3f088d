package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Client is a service's connection without the service: commands use it to publish, to read
// and to look after topics.
type Client struct {
	loaded *settings.Loaded
	decls  []decl
	broker broker.Broker
	router *router.Router
	log    *slog.Logger
}

// Open connects as the service would and knows all of its topics, but builds none of its
// parts and runs no handler. The caller must Close the client. Errors are those of Run.
func (a *App) Open(ctx context.Context) (*Client, error) {
	p, err := a.plan()
	if err != nil {
		return nil, err
	}
	log := p.provideLog()
	b, err := p.newBroker(log) //nolint:contextcheck // the broker outlives ctx
	if err != nil {
		return nil, err
	}
	r, err := p.declared(b, log)
	if err == nil {
		err = p.connect(ctx, b)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	}
	return &Client{p.loaded, p.decls, b, r, log}, nil
}

// Settings are those that the client was opened with.
func (c *Client) Settings() *settings.Loaded { return c.loaded }

// Broker serves all topics; with two brokers it picks by topic.
func (c *Client) Broker() broker.Broker { return c.broker }

// BrokerOf is the one broker that serves a topic, by the topic's name at the broker.
func (c *Client) BrokerOf(topic string) broker.Broker {
	if many, ok := c.broker.(*picked); ok {
		return many.of(topic)
	}
	return c.broker
}

// Brokers are all brokers there are, the default one first.
func (c *Client) Brokers() []broker.Broker {
	many, ok := c.broker.(*picked)
	if !ok {
		return []broker.Broker{c.broker}
	}
	all := make([]broker.Broker, len(many.names))
	for i, name := range many.names {
		all[i] = many.all[name]
	}
	return all
}

// Router knows all topics and handlers of the service. It must not be run.
func (c *Client) Router() *router.Router { return c.router }

// Log is the service's log.
func (c *Client) Log() *slog.Logger { return c.log }

// Close flushes what was published until ctx ends and closes all connections.
func (c *Client) Close(ctx context.Context) error { return c.broker.Close(ctx) }

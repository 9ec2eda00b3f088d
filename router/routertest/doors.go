package routertest

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// item is what the messages of the suite carry; nil is a tombstone.
type item struct {
	Key string `json:"key"`
	N   int    `json:"n"`
}

// result is what workers return.
type result struct {
	Of int `json:"of"`
}

type handling = func(context.Context, *item) error

// door is a way into the delivery engine.
type door struct {
	name string
	// undecodable is the kind of a dead letter for bytes that are no item: who decodes, decides.
	undecodable string
	register    func(b *bench, r *router.Router, in topics.Topic[*item], h handling, opts ...router.Option)
}

var doors = []door{
	{"Consume", "decode", func(_ *bench, r *router.Router, in topics.Topic[*item], h handling, opts ...router.Option) {
		router.Consume(r, in, h, opts...)
	}},
	{"Work", "decode", func(b *bench, r *router.Router, in topics.Topic[*item], h handling, opts ...router.Option) {
		router.Work(r, in, topics.Event[result]{Name: b.name("results"), Partitions: 1}, working(h), opts...)
	}},
	{"Handle", "permanent", func(_ *bench, r *router.Router, in topics.Topic[*item], h handling, opts ...router.Option) {
		router.NewPublisher(r, in) // declares the topic
		r.Handle(in.Spec().Name, plain(h), opts...)
	}},
}

// working is h as a worker.
func working(h handling) func(context.Context, *item) (result, error) {
	return func(ctx context.Context, i *item) (result, error) {
		err := h(ctx, i)
		if i == nil {
			return result{}, errors.Join(err, router.Skip)
		}
		return result{i.N}, err
	}
}

// plain is h as a handler of Watermill, which decodes for itself.
func plain(h handling) message.NoPublishHandlerFunc {
	return func(m *message.Message) error {
		if router.Meta(m.Context()).Tombstone {
			return h(m.Context(), nil)
		}
		var i item
		if err := json.Unmarshal(m.Payload, &i); err != nil {
			return router.Permanent(err)
		}
		return h(m.Context(), &i)
	}
}

package app

import (
	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/fx"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router"
)

// Handle registers a plain Watermill handler: nothing is decoded, everything else is as in
// [Consume]. See router.Router.Handle.
func Handle[D any](topic string, h func(D, *message.Message) error, opts ...router.Option) fx.Option {
	return handler(h, opts, func(r *router.Router, d D, opts []router.Option) {
		r.Handle(topic, func(m *message.Message) error { return h(d, m) }, opts...)
	})
}

// HandleFunc is Handle for a function without dependencies.
func HandleFunc(topic string, h func(*message.Message) error, opts ...router.Option) fx.Option {
	return function(h, func(r *router.Router) {
		r.Handle(topic, h, append([]router.Option{router.Name(funcname.Of(h))}, opts...)...)
	})
}

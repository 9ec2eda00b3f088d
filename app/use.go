package app

import (
	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/fx"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// Use adds middleware to every handler, outermost first, in the order of the source and
// before a handler's own.
func Use(mw ...message.HandlerMiddleware) fx.Option {
	return register(decl{kind: middleware, name: "middleware"}, func(struct{}) part {
		return func(a *assembly) { a.router.Use(mw...) }
	})
}

// UseWith is Use for middleware with dependencies: a method expression.
func UseWith[D any](mw func(D, message.HandlerFunc) message.HandlerFunc) fx.Option {
	return register(decl{kind: middleware, name: funcname.Of(mw)}, func(d D) part {
		return func(a *assembly) {
			a.router.Use(func(next message.HandlerFunc) message.HandlerFunc { return mw(d, next) })
		}
	})
}

// UsePublish decorates the message.Publisher that fx provides for Watermill's own
// components, the first one outermost.
func UsePublish(ds ...message.PublisherDecorator) fx.Option {
	return declare(decl{option: router.UsePublish(ds...)})
}

// Codec says who encodes a format, in place of the built-in codec.
func Codec(f topics.Format, c codec.Codec) fx.Option {
	return declare(decl{option: router.Codec(f, c)})
}

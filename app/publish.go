package app

import (
	"go.uber.org/fx"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// Publish declares that the service publishes on t, and provides a router.Publisher[T]:
// under the topic's name (`name:"orders"`) always, and unnamed when t is the only published
// topic of T. Declaring a topic twice is declaring it once.
func Publish[T any](t topics.Topic[T]) fx.Option {
	return declare(decl{
		declare: func(r *router.Router) { router.NewPublisher(r, t) },
		value: newValue[router.Publisher[T]](t.Spec().Name, func(r *router.Router) router.Publisher[T] {
			return router.NewPublisher(r, t)
		}),
	})
}

// Package option gives an option of the router to a handler.
package option

import (
	"context"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

type (
	order   struct{ ID string }
	receipt struct{ ID string }
	billing struct{}
)

var (
	orders   = topics.Event[order]{Name: "orders"}
	receipts = topics.Event[receipt]{Name: "receipts"}
)

func (billing) Charge(context.Context, order) error { return nil }

var _ = app.Consume(orders, billing.Charge, router.Service("billing"))

var _ = receipts

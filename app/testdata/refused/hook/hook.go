// Package hook has a hook with its arguments in the wrong order.
package hook

import (
	"context"

	"github.com/leat-go/leat/app"
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

func (billing) Failed(context.Context, error, order) {}

var _ = app.Consume(orders, billing.Charge, app.OnError(billing.Failed))

var _ = receipts

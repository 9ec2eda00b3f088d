// Package input has a handler that takes another type than its topic carries.
package input

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

func (billing) Charge(context.Context, receipt) error { return nil }

var _ = app.Consume(orders, billing.Charge)

var _ = receipts

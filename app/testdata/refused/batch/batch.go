// Package batch gives a handler of single messages to a verb for batches.
package batch

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

var _ = app.ConsumeBatch(orders, billing.Charge)

var _ = receipts

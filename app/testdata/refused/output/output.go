// Package output has a worker whose result does not fit the topic of its results.
package output

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

func (billing) Charge(context.Context, order) (order, error) { return order{}, nil }

var _ = app.Work(orders, receipts, billing.Charge)

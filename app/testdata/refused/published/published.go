// Package published publishes a value of another type than the topic carries.
package published

import (
	"context"

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

func publish(ctx context.Context) error { return router.Publish(ctx, orders, receipt{}) }

var _, _, _ = publish, receipts, billing{}

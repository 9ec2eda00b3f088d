// Ready is a small service on the memory broker that says when it is ready and ends with its
// standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

type order struct{ ID, Customer string }

type receipt struct{ ID string }

var (
	orders   = topics.Event[order]{Name: "orders", Key: func(o order) string { return o.Customer }}
	receipts = topics.Event[receipt]{Name: "receipts"}
)

func charge(_ context.Context, o order) (receipt, error) { return receipt{o.ID}, nil }

func record(context.Context, receipt) error { return nil }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ready:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	service := app.New(app.WorkFunc(orders, receipts, charge), app.ConsumeFunc(receipts, record, router.Group("audit")))
	if err := service.Start(ctx); err != nil {
		return err
	}
	for !ready(ctx, service) {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ready") //nolint:forbidigo // that is what it is for
	_, _ = io.Copy(io.Discard, os.Stdin)
	return service.Stop(ctx)
}

func ready(ctx context.Context, service *app.App) bool {
	for _, s := range service.Status(ctx) {
		if s.Configured {
			return s.Ready
		}
	}
	return false
}

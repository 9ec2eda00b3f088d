package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// The service that the sessions in testdata work with.

type order struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Amount   int    `json:"amount"   validate:"min=0"`
}

func (o order) key() string { return o.Customer }

type receipt struct {
	Order string `json:"order"`
}

type parcel struct {
	ID    string `avro:"id"`
	Grams int64  `avro:"grams"`
}

type account struct {
	ID string `json:"id"`
}

func (a account) key() string { return a.ID }

var (
	orders   = topics.Event[order]{Name: "orders", Key: order.key, Partitions: 3}
	receipts = topics.Event[receipt]{Name: "receipts", Partitions: 2}
	parcels  = topics.Event[parcel]{Name: "parcels", Format: topics.Avro, Partitions: 1}
	accounts = topics.State[account]{Name: "accounts", Key: account.key, Partitions: 1}
)

// Topics with Avro keys, of JSON and of Avro values.
var (
	labels = topics.Event[account]{Name: "labels", Key: account.key, KeyFormat: topics.Avro}
	stamps = topics.Event[parcel]{Name: "stamps", Key: func(p parcel) string { return p.ID }, Format: topics.Avro, KeyFormat: topics.Avro}
	badges = topics.Event[parcel]{Name: "badges", Format: topics.Avro, KeyFormat: topics.Avro} // only read
)

type billing struct{}

func (billing) Charge(_ context.Context, o order) (receipt, error) {
	if o.Customer == "" {
		return receipt{}, router.Permanent(errors.New("nobody to charge"))
	}
	return receipt{Order: o.ID}, nil
}

// mailer stands for a dependency of one handler that may be broken.
type mailer struct{ host string }

func newMailer() (mailer, error) {
	if os.Getenv("DEMO_MAILER") == "broken" {
		return mailer{}, errors.New("no mail server")
	}
	return mailer{"localhost"}, nil
}

// Receipt says on stderr what it did, for the sessions to see.
func (m mailer) Receipt(_ context.Context, r receipt) error {
	fmt.Fprintf(os.Stderr, "mailed receipt of order %s by %s\n", r.Order, m.host)
	return nil
}

// audit never ends for an order that is called hang.
func audit(_ context.Context, o order) error {
	if o.ID == "hang" {
		fmt.Fprintln(os.Stderr, "audit hangs")
		select {}
	}
	fmt.Fprintln(os.Stderr, "audited order", o.ID)
	return nil
}

type mailSettings struct {
	Host  string `koanf:"host"  default:"localhost" doc:"Mail server."`
	Token string `koanf:"token" secret:"true"       doc:"Token of the mail server."`
}

func demo() *app.App {
	opts := []fx.Option{
		fx.Provide(newMailer),
		app.Settings[mailSettings]("mail"),
		app.Work(orders, receipts, billing.Charge, router.Group("billing")),
		app.Consume(receipts, mailer.Receipt, router.Group("mailer"), router.Name("Mailer.Receipt")),
		app.ConsumeFunc(orders, audit, router.Group("audit")),
		app.Publish(parcels),
		app.Publish(accounts),
		app.GoFunc(func(ctx context.Context) error {
			fmt.Fprintln(os.Stderr, "task began")
			if os.Getenv("DEMO_ORDER") != "" {
				return router.Publish(ctx, orders, order{ID: os.Getenv("DEMO_ORDER"), Customer: "task"})
			}
			return nil
		}),
	}
	if strings.Contains(os.Getenv("DEMO_FAULT"), "group") {
		opts = append(opts, app.ConsumeFunc(orders, audit, router.Group("audit"), router.Name("audit2")))
	}
	if os.Getenv("DEMO_KEYS") != "" {
		opts = append(opts, app.Publish(labels), app.Publish(stamps))
	}
	if os.Getenv("DEMO_BADGES") != "" {
		opts = append(opts, app.ConsumeFunc(badges, func(context.Context, parcel) error { return nil }, router.Name("badges")))
	}
	if strings.Contains(os.Getenv("DEMO_FAULT"), "dependency") {
		opts = append(opts, app.Consume(orders, (*missing).Take, router.Group("missing")))
	}
	return app.New(opts...)
}

type missing struct{ orders []order }

func (m *missing) Take(_ context.Context, o order) error {
	m.orders = append(m.orders, o)
	return nil
}

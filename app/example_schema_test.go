package app_test

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// Usually the text comes from an embedded file.
const transferSchema = `{"type": "record", "name": "Transfer", "namespace": "com.bank", "fields": [
	{"name": "iban", "type": "string"},
	{"name": "cents", "type": "long", "default": 0, "doc": "What was moved."}]}`

type Transfer struct {
	IBAN  string `avro:"iban"`
	Cents int64  `avro:"cents"`
}

var Transfers = topics.Event[Transfer]{Name: "transfers", Format: topics.Avro}

// A schema that exists already takes the place of the one derived from the type.
func ExampleSchema() {
	service := app.New(
		app.Schema[Transfer](transferSchema),
		app.Publish(Transfers),
		app.Go(func(s fx.Shutdowner, ctx context.Context) error {
			if err := router.Publish(ctx, Transfers, Transfer{"CH93", 500}); err != nil {
				return err
			}
			return s.Shutdown()
		}),
	)
	fmt.Println(service.In(quiet).Run(context.Background()))

	wrong := app.New(app.Schema[Transfer](`{"type": "record", "name": "T", "fields": [{"name": "iban", "type": "long"}]}`), app.Publish(Transfers))
	fmt.Println(wrong.In(quiet).Validate())
	// Output:
	// <nil>
	// schema given for app_test.Transfer: Transfer.Cents: the schema has no field "cents": leave it out with avro:"-"
}

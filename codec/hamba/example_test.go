package hamba_test

import (
	"context"
	"fmt"
	"io"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec/hamba"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

type SignedUp struct {
	Email string `avro:"email"`
}

var SignUps = topics.Event[SignedUp]{Name: "sign-ups", Format: topics.Avro}

// One option has a service read and write Avro with hamba, with the registry that its settings
// name.
func Example() {
	read := make(chan struct{})
	service := app.New(
		app.AvroCodec(hamba.New),
		app.ConsumeFunc(SignUps, func(ctx context.Context, s SignedUp) error {
			fmt.Println(s.Email, "signed up")
			close(read)
			return nil
		}, router.Name("read")),
		app.Go(func(s fx.Shutdowner, ctx context.Context) error {
			if err := router.Publish(ctx, SignUps, SignedUp{"ana@example.com"}); err != nil {
				return err
			}
			<-read
			return s.Shutdown()
		}),
	)
	quiet := app.Environment{Log: io.Discard, Settings: settings.Options{Environ: []string{}}}
	fmt.Println(service.In(quiet).Run(context.Background()))
	// Output:
	// ana@example.com signed up
	// <nil>
}

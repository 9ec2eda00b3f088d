package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

type SignUp struct{ Email string }

type Welcome struct{ To string }

var (
	SignUps  = topics.Event[SignUp]{Name: "sign-ups"}
	Welcomes = topics.Event[Welcome]{Name: "welcomes"}
)

type Greeter struct {
	fx.In
	Greeting string
}

func (g Greeter) Welcome(_ context.Context, s SignUp) (Welcome, error) {
	fmt.Println(g.Greeting, s.Email)
	return Welcome{s.Email}, nil
}

// quiet keeps the example's environment and log out of its output.
var quiet = app.Environment{Log: io.Discard, Settings: settings.Options{Environ: []string{}}}

// A handler is a method; fx supplies its receiver. A task publishes with one line and ends
// the service.
func ExampleNew() {
	done := make(chan struct{})
	service := app.New(
		fx.Supply("hello"),
		app.Work(SignUps, Welcomes, Greeter.Welcome, router.Group("greeter")),
		app.ConsumeFunc(Welcomes, func(_ context.Context, w Welcome) error {
			fmt.Println("welcomed", w.To)
			close(done)
			return nil
		}, router.Name("audit")),
		app.Go(func(s fx.Shutdowner, ctx context.Context) error {
			if err := router.Publish(ctx, SignUps, SignUp{"ana@example.com"}); err != nil {
				return err
			}
			<-done
			return s.Shutdown()
		}),
	)
	fmt.Println(service.In(quiet).Run(context.Background()))
	// Output:
	// hello ana@example.com
	// welcomed ana@example.com
	// <nil>
}

// What is wrong with the wiring is found without building anything.
func ExampleApp_Validate() {
	service := app.New(
		app.Work(SignUps, Welcomes, Greeter.Welcome),
		app.Work(SignUps, Welcomes, Greeter.Welcome),
	)
	err := service.In(quiet).Validate()
	var faults *app.FaultError
	fmt.Println(errors.As(err, &faults))
	for _, f := range faults.Faults[:1] {
		fmt.Println(f)
	}
	// Output:
	// true
	// Greeter.Welcome is the name of two handlers: give one of them router.Name
}

// Handlers can be listed without running anything.
func ExampleApp_Handlers() {
	hs, err := app.New(app.Work(SignUps, Welcomes, Greeter.Welcome, router.Group("greeter"))).In(quiet).Handlers()
	if err != nil {
		fmt.Println(err)
	}
	for _, h := range hs {
		fmt.Println(h.Name, "reads", h.Topic, "as", h.Group, "and writes", h.Out)
	}
	// Output: Greeter.Welcome reads sign-ups as greeter and writes welcomes
}

package app_test

import (
	"context"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
)

func note(seen *events, name string) message.HandlerMiddleware {
	return func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) { seen.add(name); return next(m) }
	}
}

type noter struct {
	fx.In
	Seen *events
}

func (n noter) Third(next message.HandlerFunc) message.HandlerFunc { return note(n.Seen, "3")(next) }

func TestMiddlewareRunsInTheOrderOfTheSource(t *testing.T) {
	t.Parallel()
	for range 5 {
		seen, done := &events{}, make(chan struct{})
		a := started(t, alone(t, fx.Supply(seen),
			app.Use(note(seen, "1"), note(seen, "2")), fx.Module("m", app.UseWith(noter.Third)), app.Use(note(seen, "4")),
			app.ConsumeFunc(orders, func(context.Context, order) error { close(done); return nil }, router.Name("h"), router.Use(note(seen, "5"))),
		))
		if _, err := router.NewProducer(a.Router()).Send(t.Context(), "orders", order{"1"}); err != nil {
			t.Fatal(err)
		}
		<-done
		if got := seen.String(); got != "1 2 3 4 5" {
			t.Fatalf("got %s", got)
		}
	}
}

type collector struct {
	fx.In
	Got chan string
}

func (c collector) Plain(m *message.Message) error                { c.Got <- string(m.Payload); return nil }
func (c collector) Typed(context.Context, order) (receipt, error) { return receipt{"r"}, nil }
func (c collector) Done(_ context.Context, o order)               { c.Got <- "done " + o.ID }
func (c collector) Succeeded(_ context.Context, o order, r receipt) {
	c.Got <- "success " + o.ID + r.ID
}

func TestHooksAndPlainHandlersHaveTheirReceiver(t *testing.T) {
	t.Parallel()
	got := make(chan string, 8)
	var p message.Publisher
	started(t, alone(t, fx.Supply(got), fx.Populate(&p),
		app.Handle("raw", collector.Plain, router.Group("raw")),
		app.Work(orders, receipts, collector.Typed, app.OnSuccess(collector.Succeeded), app.OnDone(collector.Done)),
		app.HandleFunc("funcs", func(m *message.Message) error { got <- "func " + string(m.Payload); return nil }, router.Name("f")),
	))
	for _, c := range [][]string{{"raw", "bytes", "bytes"}, {"funcs", "bytes", "func bytes"}, {"orders", `{"ID":"1"}`, "success 1r", "done 1"}} {
		if err := p.Publish(c[0], message.NewMessage(c[1], []byte(c[1]))); err != nil {
			t.Fatal(err)
		}
		for _, want := range c[2:] {
			expect(t, got, want)
		}
	}
}

package app_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

type pointerIn struct {
	fx.In
	DB *DB
}

func (*pointerIn) Do(context.Context, order) error { return nil }

type untold struct{ C chan int }

// Every mistake that only the start can see, in one service.
func mistakes(b *built) fx.Option {
	commands := topics.Command[order]{Name: "commands"}
	return fx.Options(
		providers(b), app.Publish(receipts),
		app.Consume(orders, Billing.Charge, router.Group("a")),
		app.Consume(late, Billing.Charge, router.Group("a")),
		app.ConsumeFunc(orders, first, router.Group("a")),
		app.ConsumeFunc(commands, second, router.Group("one")),
		app.ConsumeFunc(commands, third, router.Group("two")),
		app.Work(late, receipts, (*Mailer).Welcome, app.OnError((*Mailer).WrongType), app.OnError(Billing.Failed)),
		app.ConsumeFunc(topics.State[order]{Name: "accounts"}, fourth),
		app.WorkFunc(receipts, receipts, loop),
		app.ConsumeFunc(receipts, func(context.Context, receipt) error { return nil }, router.Group("anonymous")),
		app.Consume(orders, (*pointerIn).Do, router.Group("p")),
		app.Consume(receipts, (*Mailer).Audit, router.Group("audit"), router.BatchSize(3)),
		app.ConsumeFunc(orders, hooked, router.Group("h"), app.OnError(Billing.Failed)),
		app.Publish(topics.Event[untold]{Name: "untold", Format: topics.Avro}),
		app.Go((*pointerIn).background),
	)
}

func (*pointerIn) background(context.Context) error { return nil }

func loop(context.Context, receipt) (receipt, error) { return receipt{}, nil }
func hooked(context.Context, order) error            { return nil }

func TestWiringFaultsAreReportedTogetherBeforeAnythingIsBuilt(t *testing.T) {
	t.Parallel()
	wants := []string{
		"Billing.Charge is the name of two handlers: give one of them router.Name",
		"Billing.Charge and first are both in group a on topic orders: give one of them router.Group",
		"commands is a command and has two groups, one of second and two of third: only one group may read a command",
		"Mailer.Welcome: OnError takes func(context.Context, app_test.order, error), not func(context.Context, app_test.receipt, error)",
		"Mailer.Welcome: a hook has the receiver app_test.Billing, its handler *app_test.Mailer",
		"topic accounts is a state and needs a Key",
		"loop reads and writes topic receipts: give the results a topic of their own",
		"a handler of topic receipts is an anonymous function and needs router.Name",
		"pointerIn.Do: app_test.pointerIn embeds fx.In: give its methods value receivers, or drop fx.In and provide a constructor",
		"pointerIn.background: app_test.pointerIn embeds fx.In",
		"Mailer.Audit: BatchSize has no effect on a handler of single messages",
		"hooked: app.OnError is for a verb of package app whose handler has a receiver",
		"topic untold: ",
	}
	b := &built{}
	// No Kafka is there: a fault must be found before anybody looks for it.
	a := with(t, []string{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1"}, mistakes(b))
	for name, err := range map[string]error{"start": a.Start(t.Context()), "validate": a.Validate(), "run": a.Run(t.Context())} {
		fault, ok := errors.AsType[*app.FaultError](err)
		if !ok {
			t.Fatalf("%s gave %T: %v", name, err, err)
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: missing %q in\n%v", name, want, err)
			}
		}
		if len(fault.Faults) != len(wants) {
			t.Errorf("%s: %d faults, want %d:\n%v", name, len(fault.Faults), len(wants), err)
		}
	}
	if len(b.all()) > 0 {
		t.Errorf("built %v", b.all())
	}
}

func TestSettingsFaultsAreOfTheirOwnType(t *testing.T) {
	t.Parallel()
	a := with(t, []string{"KAFKA_LINGER=soon", "RETRY_BACKOFF=steep"}, app.ConsumeFunc(orders, first))
	for name, err := range map[string]error{"start": a.Start(t.Context()), "validate": a.Validate(), "run": a.Run(t.Context())} {
		fault, ok := errors.AsType[*settings.Faults](err)
		if !ok || len(fault.Faults) != 2 {
			t.Errorf("%s gave %T: %v", name, err, err)
		}
	}
	if _, err := a.Open(t.Context()); !errors.As(err, new(*settings.Faults)) {
		t.Errorf("open gave %v", err)
	}
}

func TestConstructorsThatFailAreNamedWithTheirHandler(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	a := alone(t, fx.Provide(func() (*Mailer, error) { return nil, refused }), app.Work(orders, receipts, (*Mailer).Welcome))
	err := a.Start(t.Context())
	if !errors.Is(err, refused) || err.Error() != "Mailer.Welcome: connection refused" {
		t.Errorf("got %v", err)
	}
	if errors.As(err, new(*app.FaultError)) {
		t.Error("a constructor's failure is no fault of the wiring")
	}
}

func TestTwoConstructorsOfOneTypeAreAFault(t *testing.T) {
	t.Parallel()
	b := &built{}
	_, err := alone(t, providers(b), fx.Provide(func() *DB { return nil }), app.ConsumeFunc(orders, first)).Handlers()
	if !errors.As(err, new(*app.FaultError)) || !strings.Contains(err.Error(), "already provided") {
		t.Errorf("got %v", err)
	}
}

package app_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

type (
	order   struct{ ID string }
	receipt struct{ ID string }
)

var (
	orders   = topics.Event[order]{Name: "orders"}
	late     = topics.Event[order]{Name: "orders-late"}
	receipts = topics.Event[receipt]{Name: "receipts"}
)

// built notes what constructors made.
type built struct {
	mu    sync.Mutex
	names []string
}

func (b *built) add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names = append(b.names, name)
}

func (b *built) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.names)
}

type DB struct{ name string }

type SMTP struct{}

type Billing struct {
	fx.In
	DB       *DB
	Receipts router.Publisher[receipt]
}

func (Billing) Charge(context.Context, order) error  { return nil }
func (Billing) Failed(context.Context, order, error) {}

type Mailer struct{ smtp *SMTP }

func (*Mailer) Welcome(context.Context, order) (receipt, error)   { return receipt{}, nil }
func (*Mailer) Audit(context.Context, receipt) error              { return nil }
func (*Mailer) WrongType(context.Context, receipt, error)         {}
func (*Mailer) Batch(context.Context, []order) ([]receipt, error) { return nil, nil }

func providers(b *built) fx.Option {
	return fx.Provide(
		func() *DB { b.add("DB"); return &DB{"root"} },
		func() *SMTP { b.add("SMTP"); return &SMTP{} },
		func(s *SMTP) *Mailer { b.add("Mailer"); return &Mailer{s} },
	)
}

// alone puts a service where no environment and no file reaches it.
func alone(t *testing.T, opts ...fx.Option) *app.App {
	t.Helper()
	return with(t, nil, opts...)
}

func with(t *testing.T, env []string, opts ...fx.Option) *app.App {
	t.Helper()
	return app.New(opts...).In(environment(t, io.Discard, env...))
}

func environment(t *testing.T, log io.Writer, env ...string) app.Environment {
	t.Helper()
	if env == nil {
		env = []string{}
	}
	return app.Environment{Log: log, Settings: settings.Options{Dir: t.TempDir(), Environ: env}}
}

// started starts a service and stops it at the end of the test.
func started(t *testing.T, a *app.App) *app.App {
	t.Helper()
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return a
}

func cycle(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

func only(a *app.App, name string) *app.App {
	return a.Only(func(h router.HandlerInfo) bool { return h.Name == name })
}

func TestWorkerBuildsItsPartAlone(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Mailer.Welcome": "SMTP Mailer",
		"Billing.Charge": "DB decorated",
	} {
		b := &built{}
		a := alone(t, providers(b), app.Publish(receipts),
			fx.Module("billing",
				fx.Decorate(func(d *DB) *DB { b.add("decorated"); return d }),
				app.Consume(orders, Billing.Charge, router.Group("billing")),
			),
			fx.Module("mail", fx.Module("deep", app.Work(orders, receipts, (*Mailer).Welcome, router.Group("mail")))),
			app.Serve(func(*DB) *http.Server {
				b.add("server")
				return &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Second}
			}),
			app.Go(func(*DB, context.Context) error { b.add("task"); return nil }),
		)
		if hs, err := a.Handlers(); err != nil || len(hs) != 2 || len(b.all()) > 0 {
			t.Fatalf("describing gave %v, %v and built %v", hs, err, b.all())
		}
		if err := a.Validate(); err != nil || len(b.all()) > 0 {
			t.Fatalf("validating gave %v and built %v", err, b.all())
		}
		cycle(t, only(a, name))
		got := strings.Join(slices.DeleteFunc(b.all(), func(n string) bool { return name == "Mailer.Welcome" && n == "DB" }), " ")
		if got != want {
			t.Errorf("%s alone built %q, want %q", name, got, want)
		}
	}
}

func TestPlainInvokeRunsInEveryMode(t *testing.T) {
	t.Parallel()
	b := &built{}
	a := alone(t, providers(b), app.Work(orders, receipts, (*Mailer).Welcome), fx.Invoke(func(*DB) { b.add("invoked") }))
	cycle(t, only(a, "Mailer.Welcome"))
	if !slices.Contains(b.all(), "invoked") {
		t.Errorf("built %v", b.all())
	}
}

func TestMissingDependenciesAreNamedWithTheirHandler(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a    *app.App
		want string
	}{
		"receiver":       {alone(t, app.Work(orders, receipts, (*Mailer).Welcome)), "Mailer.Welcome: missing type: *app_test.Mailer"},
		"field of fx.In": {alone(t, app.Publish(receipts), app.Consume(orders, Billing.Charge)), "Billing.Charge: missing type: *app_test.DB"},
		"of a constructor": {
			alone(t, fx.Provide(func(s *SMTP) *Mailer { return &Mailer{s} }), app.Work(orders, receipts, (*Mailer).Welcome)),
			"Mailer.Welcome: missing type: *app_test.SMTP",
		},
		"server":       {alone(t, app.Serve(newServer)), "newServer: missing type: *app_test.DB"},
		"plain invoke": {alone(t, fx.Invoke(func(*DB) {})), "missing type: *app_test.DB"},
	} {
		for what, err := range map[string]error{"validate": c.a.Validate(), "start": c.a.Start(t.Context())} {
			var f *app.FaultError
			if !asFault(err, &f) || err.Error() != c.want {
				t.Errorf("%s: %s gave %T %v, want %s", name, what, err, err, c.want)
			}
		}
	}
}

func newServer(*DB) *http.Server {
	return &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Second}
}

func TestHandlersKeepTheOrderOfTheSource(t *testing.T) {
	t.Parallel()
	for range 20 {
		a := alone(t,
			app.ConsumeFunc(orders, first, router.Group("1")), fx.Module("m", app.ConsumeFunc(orders, second, router.Group("2"))),
			app.ConsumeFunc(orders, third, router.Group("3")), app.ConsumeFunc(orders, fourth, router.Group("4")))
		hs, err := a.Handlers()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, h := range hs {
			names = append(names, h.Name)
		}
		if got := strings.Join(names, " "); got != "first second third fourth" {
			t.Fatalf("got %s", got)
		}
	}
}

func first(context.Context, order) error  { return nil }
func second(context.Context, order) error { return nil }
func third(context.Context, order) error  { return nil }
func fourth(context.Context, order) error { return nil }

func TestTwoPublishersOfOneType(t *testing.T) {
	t.Parallel()
	both := fx.Options(app.Publish(orders), app.Publish(late), app.Publish(orders))
	type byName struct {
		fx.In
		Orders router.Publisher[order] `name:"orders"`
		Late   router.Publisher[order] `name:"orders-late"`
	}
	cycle(t, alone(t, both, fx.Invoke(func(byName) {})))
	cycle(t, alone(t, app.Publish(orders), app.Publish(orders), fx.Invoke(func(router.Publisher[order]) {})))
	err := alone(t, both, fx.Invoke(func(router.Publisher[order]) {})).Start(t.Context())
	want := "router.Publisher[github.com/leat-go/leat/app_test.order] is there more than once, as orders, orders-late: take one of them with the tag `name:\"orders\"`"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestModulesKeepWhatIsPrivate(t *testing.T) {
	t.Parallel()
	module := func(name string, seen *bytes.Buffer) fx.Option {
		return fx.Module(name, fx.Provide(func() *DB { return &DB{name} }, fx.Private),
			app.Consume(orders, func(*DB, context.Context, order) error { return nil }, router.Name(name), router.Group(name)),
			fx.Invoke(func(d *DB) { seen.WriteString(d.name) }))
	}
	var seen bytes.Buffer
	cycle(t, alone(t, module("x", &seen), module("y", &seen)))
	if seen.String() != "xy" {
		t.Errorf("got %s", seen.String())
	}
}

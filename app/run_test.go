package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
)

// running runs a service until the test is over or cancels it.
type running struct {
	cancel  context.CancelFunc
	signals chan os.Signal
	ended   chan error
}

func run(t *testing.T, a *app.App) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel, make(chan os.Signal), make(chan error, 1)}
	go func() { r.ended <- a.RunUntil(ctx, r.signals) }()
	return r
}

func (r *running) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the service did not end within 20 s")
		return nil
	}
}

func TestRunStopsInOrderWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	up := make(chan struct{})
	r := run(t, alone(t, app.GoFunc(func(ctx context.Context) error { close(up); <-ctx.Done(); return ctx.Err() })))
	<-up
	r.cancel()
	if err := r.end(t); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestFirstSignalStopsInOrderSecondAtOnce(t *testing.T) {
	t.Parallel()
	up, release := make(chan struct{}), make(chan struct{})
	a := alone(t, app.GoFunc(func(ctx context.Context) error {
		close(up)
		<-ctx.Done()
		<-release
		return nil
	}))
	r := run(t, a)
	<-up
	r.signals <- syscall.SIGTERM
	select {
	case err := <-r.ended:
		t.Fatalf("ended with %v while a task was running", err)
	case r.signals <- syscall.SIGTERM: // at once: the same wish
	}
	begin, again := time.Now(), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for ended := false; !ended; {
		select {
		case err := <-r.ended:
			if took := time.Since(begin); !errors.Is(err, app.ErrInterrupted) || took < 400*time.Millisecond {
				t.Errorf("got %v after %v", err, took)
			}
			ended = true
		case <-again.C:
			select {
			case r.signals <- syscall.SIGTERM:
			default:
			}
		}
	}
	close(release)
	if err := a.Stop(t.Context()); err != nil { // waits for the stop that was left alone
		t.Error(err)
	}
}

func TestSignalOfTheProcessStopsTheService(t *testing.T) { //nolint:paralleltest // the signal is the process's
	up := make(chan struct{})
	ended := make(chan error, 1)
	a := alone(t, app.GoFunc(func(ctx context.Context) error { close(up); <-ctx.Done(); return nil }))
	go func() { ended <- a.Run(t.Context()) }()
	<-up
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestTasksThatFailEndTheServiceWithTheirError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	for name, c := range map[string]struct {
		task func(context.Context) error
		want string
	}{
		"error": {func(context.Context) error { return broken }, "task: disk full"},
		"panic": {func(context.Context) error { panic("boom") }, "task: panic: boom\n"},
	} {
		err := run(t, alone(t, app.GoFunc(c.task), app.GoFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }))).end(t)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || name == "error" && !errors.Is(err, broken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTaskThatEndsEndsNothing(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	a := started(t, alone(t, app.GoFunc(func(context.Context) error { defer close(over); return nil })))
	<-over
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Wait(ctx); err != nil {
		t.Errorf("got %v", err)
	}
}

// failing is a broker whose member fails when it is told to.
type failing struct {
	broker.Broker
	fail chan error
}

func (f failing) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	m, err := f.Broker.Join(ctx, g)
	return failingMember{m, f.fail}, err
}

type failingMember struct {
	broker.Member
	fail chan error
}

func (m failingMember) Failed() <-chan error { return m.fail }

func TestMemberThatFailsEndsTheServiceWithItsError(t *testing.T) {
	t.Parallel()
	b := failing{memory.New(), make(chan error, 1)}
	e := environment(t, io.Discard)
	e.Broker = b
	up := make(chan struct{})
	r := run(t, app.New(app.ConsumeFunc(orders, first), app.GoFunc(func(context.Context) error { close(up); return nil })).In(e))
	<-up
	lost := errors.New("group authorization failed")
	b.fail <- lost
	if err := r.end(t); !errors.Is(err, lost) || strings.Count(err.Error(), lost.Error()) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestShutdownerEndsTheService(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{0: "", 7: "the service shut itself down with exit code 7"} {
		up := make(chan fx.Shutdowner, 1)
		r := run(t, alone(t, app.Go(func(s fx.Shutdowner, _ context.Context) error { up <- s; return nil })))
		if err := (<-up).Shutdown(fx.ExitCode(code)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := r.end(t); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("code %d gave %q", code, got)
		}
	}
}

func TestUnreachableBrokerIsToldWithinTheStartTimeout(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1"},
		{"REDIS_ENABLED=true", "REDIS_URL=redis://127.0.0.1:1/0"},
	} {
		a := with(t, append(env, "START_TIMEOUT=300ms"), app.ConsumeFunc(orders, first))
		if err := a.Run(t.Context()); !errors.Is(err, broker.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("%s: run gave %v", env[0], err)
		}
		if _, err := a.Open(t.Context()); !errors.Is(err, broker.ErrUnreachable) {
			t.Errorf("%s: open gave %v", env[0], err)
		}
	}
}

// events notes what happened when.
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) add(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, what)
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.all, " ")
}

// noting is a broker that notes when it connects, closes and is left.
type noting struct {
	broker.Broker
	*events
}

func (n noting) Connect(ctx context.Context) error { n.add("connect"); return n.Broker.Connect(ctx) }
func (n noting) Close(ctx context.Context) error   { n.add("close"); return n.Broker.Close(ctx) }

func (n noting) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	n.add("join")
	m, err := n.Broker.Join(ctx, g)
	return notingMember{m, n.events}, err
}

type notingMember struct {
	broker.Member
	*events
}

func (n notingMember) Close(ctx context.Context) error { n.add("leave"); return n.Member.Close(ctx) }

func TestOrderOfStartAndStop(t *testing.T) {
	t.Parallel()
	seen := &events{}
	e := environment(t, io.Discard)
	e.Broker = noting{memory.New(), seen}
	address, stopping, asked := make(chan string, 1), make(chan struct{}), make(chan struct{})
	server := &http.Server{Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Second}
	server.RegisterOnShutdown(func() { close(stopping) })
	server.BaseContext = func(l net.Listener) context.Context {
		seen.add("serve")
		address <- l.Addr().String()
		return context.Background()
	}
	server.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-stopping
		seen.add("request-ends")
	})
	a := app.New(
		app.Serve(func(struct{}) *http.Server { return server }),
		app.GoFunc(func(ctx context.Context) error { <-ctx.Done(); seen.add("task-ends"); return nil }),
		fx.Provide(func(lc fx.Lifecycle) *Mailer {
			lc.Append(fx.StartStopHook(func() { seen.add("mailer-starts") }, func() { seen.add("mailer-stops") }))
			return &Mailer{}
		}),
		app.Work(orders, receipts, (*Mailer).Welcome),
	).In(e)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var client sync.WaitGroup
	client.Go(func() { get(t, "http://"+<-address) })
	<-asked
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Wait()
	want := "connect mailer-starts connect join serve request-ends task-ends leave mailer-stops close"
	if got := seen.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func get(t *testing.T, url string) (status int) {
	t.Helper()
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url) //nolint:noctx // ends with the test
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestRequestsAndTasksCarryTheApp(t *testing.T) {
	t.Parallel()
	address := make(chan string, 1)
	got := make(chan string, 2)
	a := alone(t, app.Publish(orders),
		app.ConsumeFunc(orders, func(_ context.Context, o order) error { got <- o.ID; return nil }, router.Name("h")),
		app.GoFunc(func(ctx context.Context) error { return router.Publish(ctx, orders, order{"task"}) }),
		app.Serve(func(struct{}) *http.Server {
			return &http.Server{
				Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Second,
				BaseContext: func(l net.Listener) context.Context { address <- l.Addr().String(); return context.Background() },
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := router.Publish(r.Context(), orders, order{"request"}); err != nil {
						http.Error(w, err.Error(), http.StatusInternalServerError)
					}
				}),
			}
		}))
	started(t, a)
	if one := <-got; one != "task" {
		t.Errorf("the task published %s", one)
	}
	status := get(t, "http://"+<-address)
	if one := <-got; one != "request" || status != http.StatusOK {
		t.Errorf("the request published %s, status %d", one, status)
	}
}

func TestAddressInUseFailsTheStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	a := alone(t, app.Serve(func(struct{}) *http.Server { return &http.Server{Addr: l.Addr().String()} })) //nolint:gosec // never serves
	if err := a.Run(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestLogSaysWhatRunsWhere(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := app.New(app.WorkFunc(orders, receipts, charge, router.Group("billing"))).In(environment(t, &log, "LOG_FORMAT=json", "SERVICE_NAME=shop"))
	cycle(t, a)
	lines := map[string]map[string]any{}
	for line := range strings.SplitSeq(strings.TrimSpace(log.String()), "\n") {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		msg, _ := l["msg"].(string)
		lines[msg] = l
	}
	memory := lines["no broker is enabled: running in memory, messages are gone when the service stops"]
	if cure, _ := memory["cure"].(string); !strings.Contains(cure, "KAFKA_ENABLED=true") || memory["level"] != "WARN" {
		t.Errorf("got %v", memory)
	}
	for msg, want := range map[string]string{
		"handling": "handler=charge topic=orders group=billing results=receipts dead_letters=orders.dlq",
		"started":  "service=shop broker=memory handlers=1",
	} {
		for pair := range strings.FieldsSeq(want) {
			k, v, _ := strings.Cut(pair, "=")
			if got, _ := json.Marshal(lines[msg][k]); strings.Trim(string(got), `"`) != v {
				t.Errorf("%s: %s is %s, want %s", msg, k, got, v)
			}
		}
	}
	if len(lines) != 4 {
		t.Errorf("lines:\n%s", log.String())
	}
}

func charge(_ context.Context, o order) (receipt, error) { return receipt(o), nil }

func TestStartingTwiceIsAnError(t *testing.T) {
	t.Parallel()
	a := started(t, alone(t, app.ConsumeFunc(orders, first)))
	if err := a.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
	if a.Router() == nil || a.Broker() == nil {
		t.Error("a started service has no router or broker")
	}
}

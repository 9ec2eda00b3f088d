package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// App is a service. It builds nothing until it is run, started or opened. Its methods may
// be called concurrently.
type App struct {
	opts []fx.Option
	only func(router.HandlerInfo) bool // nil: the whole service
	env  Environment

	turn sync.Mutex           // one start or stop at a time
	live atomic.Pointer[live] // nil: not started
}

// New returns a service of these options: the verbs of this package and anything of fx. A
// plain fx.Invoke runs in every mode, also when a worker is run alone. (Describing a service
// runs one kind of constructor: those of event loggers that modules bring along.)
func New(opts ...fx.Option) *App { return &App{opts: opts} }

// With returns the same service with more options.
func (a *App) With(opts ...fx.Option) *App {
	return &App{opts: slices.Concat(a.opts, opts), only: a.only, env: a.env}
}

// Only returns the same service with the handlers that are chosen and nothing else: no HTTP
// servers, no tasks, and of the constructors only those that these handlers need.
func (a *App) Only(choose func(router.HandlerInfo) bool) *App {
	return &App{opts: a.opts, only: choose, env: a.env}
}

// Environment is what a service takes from its surroundings. The zero value is that of the
// process.
type Environment struct {
	// Settings say where settings are looked for. What the service declares (sections,
	// defaults) is added.
	Settings settings.Options
	// Broker, when set, is used in place of what settings choose. The app closes it.
	Broker broker.Broker
	// Log receives the service's log. Default: os.Stderr.
	Log io.Writer
}

// In returns the same service in another environment. It serves commands and tests.
func (a *App) In(e Environment) *App {
	return &App{opts: a.opts, only: a.only, env: e}
}

// Handlers describes the handlers, as settings have them, in the order of their declaration.
// Nothing is built or connected. Handlers that settings disable are left out.
func (a *App) Handlers() ([]router.HandlerInfo, error) {
	p, err := a.plan()
	if err != nil {
		return nil, err
	}
	return p.chosen(a.only), nil
}

// Topics returns what handlers and publishers declare, as settings have it, sorted by name.
func (a *App) Topics() ([]topics.Spec, error) {
	p, err := a.plan()
	if err != nil {
		return nil, err
	}
	return p.recorder.Topics(), nil
}

// Writes returns the names of the topics that results and publishers go to, sorted. What is
// sent by name alone is not declared, and not among them.
func (a *App) Writes() ([]string, error) {
	p, err := a.plan()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range p.recorder.Topics() {
		if p.recorder.Writes(t.Name) {
			names = append(names, t.Name)
		}
	}
	return names, nil
}

// Settings loads the settings of the service, its own sections included. The error is a
// *settings.Faults.
func (a *App) Settings() (*settings.Loaded, error) {
	_, l, err := a.declared()
	return l, err
}

// Validate reports what is wrong with settings (a *settings.Faults) or wiring (a
// *FaultError): first the faults of all declarations, then every missing dependency. No
// constructor runs, nothing is connected.
func (a *App) Validate() error {
	p, err := a.plan()
	if err != nil {
		return err
	}
	return a.missing(p, new(live))
}

// Router is the router of a started service, nil before.
func (a *App) Router() *router.Router {
	if l := a.live.Load(); l != nil {
		return l.router
	}
	return nil
}

// Broker is the broker of a started service, nil before.
func (a *App) Broker() broker.Broker {
	if l := a.live.Load(); l != nil {
		return l.broker
	}
	return nil
}

var errStarted = errors.New("the service is started already")

// Start builds the service and starts it. It returns when handlers consume, tasks run and
// HTTP servers listen, or with why that is not so, having stopped again what did start. ctx
// bounds the start alone; so does start.timeout.
func (a *App) Start(ctx context.Context) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.live.Load() != nil {
		return errStarted
	}
	l, err := a.build() //nolint:contextcheck // what cleans up after a failure must not end with ctx
	if err != nil {
		return err
	}
	if err := l.start(ctx); err != nil {
		return err
	}
	a.live.Store(l)
	return nil
}

// Stop stops in order and returns why the service failed, if it did, and what went wrong in
// stopping. A service that is not started is stopped already.
func (a *App) Stop(ctx context.Context) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	l := a.live.Load()
	if l == nil {
		return nil
	}
	defer a.live.Store(nil)
	return l.stop(ctx)
}

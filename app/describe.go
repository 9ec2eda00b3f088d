package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// plan is a service as it is declared and as settings have it; nothing of it is built.
type plan struct {
	decls    []decl
	loaded   *settings.Loaded
	env      Environment
	recorder *router.Router // knows all handlers and topics, runs nothing
	broker   broker.Broker  // once it is built
	// asked ends when somebody no longer wants the service that is being started.
	asked context.Context //nolint:containedctx // outlives the start alone
}

// interruptible is a start hook's context that ends also when nobody wants the start any
// more. fx itself must not learn of that: it would leave a hook that is just starting
// without its stop.
func (p *plan) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if p.asked == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(p.asked, cancel)
	return ctx, func() { stop(); cancel() }
}

func (a *App) plan() (*plan, error) {
	decls, loaded, err := a.declared()
	if err != nil {
		return nil, err
	}
	p := &plan{decls: decls, loaded: loaded, env: a.env}
	return p, p.describe()
}

// declared returns the declarations, and the settings that they have a part in.
func (a *App) declared() ([]decl, *settings.Loaded, error) {
	decls, err := collect(a.opts)
	if err != nil {
		return nil, nil, err
	}
	l, err := load(a.env.Settings, decls)
	return decls, l, err
}

var errCollected = errors.New("collected")

// collect reads the declarations and runs no constructor: fx calls those of its event
// loggers before anything else, and the last of these ends it.
func collect(opts []fx.Option) (decls []decl, err error) {
	type in struct {
		fx.In
		Decls []decl `group:"leat.decl"`
	}
	err = fx.New(
		fx.Module("leat.collect", fx.WithLogger(func() (fxevent.Logger, error) { return nil, errCollected })),
		fx.Options(opts...),
		fx.WithLogger(func(i in) fxevent.Logger {
			decls = i.Decls
			return fxevent.NopLogger
		}),
	).Err()
	if others := slices.DeleteFunc(parts(err), func(e error) bool { return errors.Is(e, errCollected) }); len(others) > 0 {
		return nil, faults(mapped(others, cause)...)
	}
	slices.SortFunc(decls, func(x, y decl) int { return int(x.seq - y.seq) })
	return decls, nil
}

func mapped(errs []error, f func(error) error) []error {
	out := make([]error, len(errs))
	for i, err := range errs {
		out[i] = f(err)
	}
	return out
}

// describe registers everything without dependencies and reports the faults.
func (p *plan) describe() error {
	opts, err := p.routerOptions(nil)
	if err != nil {
		return faults(err)
	}
	p.recorder = router.New(nil, opts...)
	var errs []error
	for i, d := range p.decls {
		errs = append(errs, d.fault)
		if d.declare == nil {
			continue
		}
		before := len(p.recorder.Handlers())
		d.declare(p.recorder)
		if hs := p.recorder.Handlers(); len(hs) > before {
			p.decls[i].info = &hs[before]
			p.decls[i].name = hs[before].Name
		}
	}
	return faults(append([]error{p.recorder.Validate()}, errs...)...)
}

// chosen returns the handlers that run.
func (p *plan) chosen(only func(router.HandlerInfo) bool) (infos []router.HandlerInfo) {
	for _, d := range p.decls {
		if d.info != nil && (only == nil || only(*d.info)) {
			infos = append(infos, *d.info)
		}
	}
	return infos
}

// running returns the declarations whose parts are built, in the order to build them.
func (p *plan) running(only func(router.HandlerInfo) bool) (ds []decl) {
	for _, k := range []kind{middleware, handling, task, server} {
		for _, d := range p.decls {
			if d.kind == k && (k == middleware || d.runs(only)) {
				ds = append(ds, d)
			}
		}
	}
	return ds
}

func (d decl) runs(only func(router.HandlerInfo) bool) bool {
	switch d.kind {
	case handling:
		return d.info != nil && (only == nil || only(*d.info))
	case task, server:
		return only == nil
	default:
		return false
	}
}

func (d decl) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", d.name, cause(err))
}

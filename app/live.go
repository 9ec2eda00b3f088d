package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

// live is a service that is built.
type live struct {
	fx     *fx.App
	plan   *plan
	router *router.Router
	broker broker.Broker
	log    *slog.Logger
	at     string // the part that is being built

	once    sync.Once
	failure error
	failed  chan struct{} // closed when the service cannot go on
}

// build makes the chosen parts and what they need, and starts nothing. What is missing is
// found before the first constructor runs.
func (a *App) build() (*live, error) {
	p, err := a.plan()
	if err != nil {
		return nil, err
	}
	l := &live{plan: p, failed: make(chan struct{})}
	opts := append(a.options(p), fx.Provide(l.assembly), l.invokes(p.running(a.only)))
	if fx.ValidateApp(opts...) != nil {
		if err := a.missing(p, l); err != nil {
			return nil, err
		}
	}
	l.fx = fx.New(opts...)
	if err := l.fx.Err(); err != nil {
		p.abandon()
		return nil, l.explain(err)
	}
	return l, nil
}

func (l *live) explain(err error) error {
	if l.at == "" {
		return cause(err)
	}
	return fmt.Errorf("%s: %w", l.at, cause(err))
}

// missing asks for every part on its own what it lacks, then for the rest of the service.
func (a *App) missing(p *plan, l *live) error {
	var errs []error
	base := append(a.options(p), fx.Provide(l.assembly))
	for _, d := range p.running(a.only) {
		errs = append(errs, d.explain(fx.ValidateApp(append(slices.Clone(base), invoke(d))...)))
	}
	if err := faults(errs...); err != nil {
		return err
	}
	if err := fx.ValidateApp(append(base, l.invokes(p.running(a.only)))...); err != nil {
		return faults(cause(err))
	}
	return nil
}

// invokes builds the parts in their order. The router's hook comes after all that handlers
// need (which starts before it and stops after it) and before tasks and servers (which start
// after it and stop before it).
func (l *live) invokes(ds []decl) fx.Option {
	var opts []fx.Option
	consuming := false
	for _, d := range ds {
		if d.kind > handling && !consuming {
			consuming = true
			opts = append(opts, fx.Invoke(l.consume))
		}
		opts = append(opts, fx.Invoke(func() { l.at = d.name }), invoke(d))
	}
	if !consuming {
		opts = append(opts, fx.Invoke(l.consume))
	}
	return fx.Options(append(opts, fx.Invoke(func() { l.at = "" }))...)
}

// invoke builds one part and adds it to the service.
func invoke(d decl) fx.Option {
	return fx.Invoke(fx.Annotate(
		func(a *assembly, p part) { p(a) },
		fx.ParamTags("", named(d.part)),
	))
}

func (l *live) assembly(r *router.Router, lc fx.Lifecycle, log *slog.Logger) *assembly {
	return &assembly{router: r, lifecycle: lc, log: log, patience: l.plan.loaded.Settings.Shutdown.Timeout / 2, fail: l.fail}
}

// consume runs the router between start and stop.
func (l *live) consume(r *router.Router, b broker.Broker, lc fx.Lifecycle, log *slog.Logger) {
	l.at, l.router, l.broker, l.log = "", r, b, log
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	lc.Append(fx.Hook{
		OnStart: func(starting context.Context) error {
			starting, done := l.plan.interruptible(starting)
			defer done()
			go func() { ended <- l.watch(r.Run(ctx)) }()
			return l.await(starting, r, cancel, ended)
		},
		OnStop: func(context.Context) error {
			cancel()
			return <-ended
		},
	})
}

// watch ends the service when the router failed while it ran.
func (l *live) watch(err error) error {
	select {
	case <-l.router.Running():
		if err != nil {
			l.fail(err)
		}
	default:
	}
	return err
}

func (l *live) await(starting context.Context, r *router.Router, cancel func(), ended <-chan error) error {
	select {
	case <-r.Running():
		introduce(starting, l.log, r.Handlers())
		return nil
	case err := <-ended:
		cancel()
		return err
	case <-starting.Done():
		cancel()
		return errors.Join(context.Cause(starting), <-ended)
	}
}

// fail makes the service end with err; the first one counts.
func (l *live) fail(err error) {
	l.once.Do(func() {
		l.failure = err
		close(l.failed)
	})
}

func (l *live) start(ctx context.Context) error {
	l.plan.announce(l.log)
	begin := time.Now()
	l.plan.asked = ctx
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.fx.StartTimeout())
	defer cancel()
	if err := l.fx.Start(limited); err != nil {
		err = errors.Join(err, l.rollback(ctx))
		l.plan.abandon() //nolint:contextcheck // cleans up after ctx has ended
		return err
	}
	l.log.Info("started", slog.String("service", serviceName(l.plan.loaded.Settings)), slog.String("broker", l.broker.Name()),
		slog.Int("handlers", len(l.router.Handlers())), slog.Duration("took", time.Since(begin)))
	return nil
}

// rollback stops what a start that ran out of time could not stop any more.
func (l *live) rollback(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.fx.StopTimeout())
	defer cancel()
	return l.fx.Stop(ctx)
}

func (l *live) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.fx.StopTimeout())
	defer cancel()
	l.log.Info("stopping")
	err := l.fx.Stop(ctx)
	select {
	case <-l.failed:
		if !errors.Is(err, l.failure) {
			err = errors.Join(l.failure, err)
		}
	default:
	}
	return err
}

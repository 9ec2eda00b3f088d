package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/fx"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// margin is what fx may take on top of the times in settings, so that theirs end first and
// say what they waited for.
const margin = 5 * time.Second

// options are the service for fx, all but what is invoked.
func (a *App) options(p *plan) []fx.Option {
	s := p.loaded.Settings
	return []fx.Option{
		fx.WithLogger(newFxLog),
		fx.StartTimeout(s.Start.Timeout + margin),
		fx.StopTimeout(2*s.Shutdown.Timeout + margin),
		fx.Provide(
			p.provideSettings, p.provideLog, p.provideBroker, p.provideRouter, provideSubscriber,
			router.NewProducer, router.NewMessagePublisher,
		),
		p.producers(),
		fx.Options(values(p.decls)...),
		fx.Options(a.opts...),
	}
}

func (p *plan) provideSettings() (*settings.Loaded, *settings.Settings, settings.Settings) {
	s := p.loaded.Settings
	return p.loaded, &s, s
}

func (p *plan) provideLog() *slog.Logger { return newLog(p.env.Log, p.loaded.Settings.Log) }

// provideBroker connects before everything that uses it starts, and closes after that has
// stopped.
func (p *plan) provideBroker(lc fx.Lifecycle, log *slog.Logger) (broker.Broker, error) {
	b, err := p.newBroker(log)
	if err != nil {
		return nil, err
	}
	p.broker = b
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error { return p.connect(ctx, b) },
		OnStop:  b.Close,
	})
	return b, nil
}

// provideRouter returns the router with all published topics declared; handlers follow.
func (p *plan) provideRouter(b broker.Broker, log *slog.Logger) (*router.Router, error) {
	opts, err := p.routerOptions(log)
	if err != nil {
		return nil, err
	}
	r := router.New(b, append(opts, router.Knows(p.recorder.Topics()...))...)
	for _, d := range p.decls {
		if d.kind == aside && d.declare != nil {
			d.declare(r)
		}
	}
	return r, nil
}

func provideSubscriber(lc fx.Lifecycle, r *router.Router) message.Subscriber {
	s := router.NewSubscriber(r)
	lc.Append(fx.StopHook(s.Close))
	return s
}

// producers provides a producer under the name of each broker.
func (p *plan) producers() fx.Option {
	var opts []fx.Option
	for _, name := range []string{kafkaName, redisName} {
		opts = append(opts, fx.Provide(fx.Annotate(
			func(b broker.Broker, log *slog.Logger) (router.Producer, error) { return p.producerAt(name, b, log) },
			fx.ResultTags(named(name)),
		)))
	}
	return fx.Options(opts...)
}

// producerAt sends to the named broker alone, with the keys and formats of all topics. Where
// the service runs in memory, that stands in for the broker.
func (p *plan) producerAt(name string, b broker.Broker, log *slog.Logger) (router.Producer, error) {
	if many, ok := b.(*picked); ok && many.all[name] != nil {
		b = many.all[name]
	} else if b.Name() != name && (p.served() != memoryName || slices.Contains(p.needed(), name)) {
		return nil, fmt.Errorf("a producer of %s: %s is not enabled (set %s=true)", name, name, enabling[name])
	}
	r, err := p.declared(b, log)
	if err != nil {
		return nil, err
	}
	return router.NewProducer(r), nil
}

// declared is a router that knows everything and must not be run.
func (p *plan) declared(b broker.Broker, log *slog.Logger) (*router.Router, error) {
	opts, err := p.routerOptions(log)
	if err != nil {
		return nil, err
	}
	r := router.New(b, opts...)
	for _, d := range p.decls {
		if d.declare != nil {
			d.declare(r)
		}
	}
	return r, nil
}

var enabling = map[string]string{kafkaName: "KAFKA_ENABLED", redisName: "REDIS_ENABLED"}

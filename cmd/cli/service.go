package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// service is the app with the settings that the flags name.
func (s *session) service() *app.App {
	e := s.app.Environment()
	e.Settings.File = cmp.Or(s.flags.config, e.Settings.File)
	e.Settings.Profile = cmp.Or(s.flags.profile, e.Settings.Profile)
	e.Settings.Set = slices.Concat(e.Settings.Set, s.flags.set)
	if e.Log == nil {
		e.Log = s.err
	}
	return s.app.In(e)
}

// load reads the settings, those of the service's own sections too.
func (s *session) load() (*settings.Loaded, error) {
	l, err := s.service().Settings()
	return l, faulty(err)
}

// registry describes all settings, those of the service's own sections too.
func (s *session) registry() ([]settings.Setting, error) {
	sections, err := s.service().Sections()
	return settings.Registry(sections...), faulty(err)
}

// stopTime bounds stopping on top of what shutdown.timeout gives to handlers.
const stopTime = 10 * time.Second

// solo is one handler of the service without the rest.
type solo struct {
	app      *app.App
	patience time.Duration // for stopping
}

// run starts the handler and stops it when ctx has ended or when it failed.
func (w solo) run(ctx context.Context, started func()) error {
	if err := w.app.Start(ctx); err != nil {
		return err
	}
	started()
	err := w.app.Wait(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.patience)
	defer cancel()
	return errors.Join(err, w.app.Stop(ctx))
}

// client is a connection for commands that run no handler.
type client struct {
	*app.Client

	broker broker.Broker
	router *router.Router
	avro   codec.Codec
}

// open connects, having checked settings and wiring. What goes wrong is an error of the
// command, so the log stays silent unless it is there for debugging.
func (s *session) open(ctx context.Context) (*client, error) {
	a := s.service()
	if l, err := a.Settings(); err == nil && l.Settings.Log.Level != "debug" {
		e := a.Environment()
		e.Log = io.Discard
		a = a.In(e)
	}
	c, err := a.Open(ctx)
	if err != nil {
		return nil, err
	}
	avro, err := c.Avro()
	if err != nil {
		return nil, errors.Join(faulty(err), c.Close(ctx))
	}
	if a.Environment().Broker == nil && c.Broker().Name() == "memory" {
		s.say("no broker is enabled: working in memory, nothing stays (set KAFKA_ENABLED=true or REDIS_ENABLED=true)")
	}
	return &client{c, c.Broker(), c.Router(), avro}, nil
}

// brokerOf names the broker that serves a topic.
func (c *client) brokerOf(topic string) string { return c.BrokerOf(topic).Name() }

// closeTime bounds closing: commands have waited for what matters before.
const closeTime = 5 * time.Second

func (c *client) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	_ = c.Close(ctx) // what was asked for is done, or has failed already
}

func (c *client) producer() router.Producer { return router.NewProducer(c.router) }

// patience is how long to wait for the last answers.
func (c *client) patience() time.Duration {
	return cmp.Or(c.broker.Sends().Timeout(), router.DefaultShutdownTimeout)
}

// topic finds a topic that exists.
func (c *client) topic(ctx context.Context, name string) (t broker.TopicInfo, ok bool, err error) {
	have, err := c.broker.Topics(ctx)
	if err != nil {
		return t, false, fmt.Errorf("list topics: %w", err)
	}
	for _, h := range have {
		if h.Name == name {
			return h, true, nil
		}
	}
	return t, false, nil
}

// mustExist reports the topics that do not.
func (c *client) mustExist(ctx context.Context, s *session, names []string) error {
	have, err := c.broker.Topics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	rows := topicRows(have, nil, c.brokerOf)
	known := map[string]bool{}
	for _, r := range rows {
		known[r.Name] = true
	}
	var errs []error
	for _, n := range names {
		if !known[n] {
			errs = append(errs, noTopic(s, n, rows))
		}
	}
	return errors.Join(errs...)
}

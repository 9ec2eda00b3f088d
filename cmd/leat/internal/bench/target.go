package bench

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/internal/bench"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// target is the broker that is measured.
type target struct {
	name   string
	app    *app.App
	loaded *settings.Loaded
}

func newTarget(c cli.Call, name string) (*target, error) {
	a := c.App()
	if name != "" {
		a = c.App(name+".enabled=true", "messaging.broker="+name)
	}
	e := a.Environment()
	e.Log = io.Discard // what goes wrong is the error of the command
	a = a.In(e)
	l, err := a.Settings()
	if err != nil {
		return nil, err
	}
	name, err = chosen(l.Settings)
	return &target{name, a, l}, err
}

// place says where the broker is, without secrets.
func (t *target) place() string {
	if t.name == kafkaName {
		return "kafka at " + strings.Join(t.loaded.Settings.Kafka.BootstrapServers, ", ")
	}
	return "redis at " + t.loaded.Settings.Redis.URL.String()
}

// workloads are those of interest to users, without stock adapters.
func (t *target) workloads() []bench.Workload {
	names := []string{"publish-one", "publish-64", "publish-batch", "consume-typed", "pipeline", "latency"}
	subjects := []string{bench.SubjectBare, bench.SubjectLeat}
	if t.name == redisName && t.loaded.Settings.Redis.Cluster {
		subjects = subjects[1:] // a loop over one client cannot read from several nodes at once
	}
	ws := slices.DeleteFunc(bench.Workloads(), func(w bench.Workload) bool { return !slices.Contains(names, w.Name) })
	for i := range ws {
		ws[i].Payloads, ws[i].Subjects = nil, subjects
	}
	return ws
}

// connect returns an error that wraps broker.ErrUnreachable when the broker does not answer.
func (t *target) connect(ctx context.Context) (bench.Server, error) {
	b, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.Close(ctx); err != nil {
		return nil, err
	}
	if t.name == kafkaName {
		return t.kafka() //nolint:contextcheck // a token is fetched when a connection wants one
	}
	return t.redis()
}

func (t *target) kafka() (bench.Server, error) {
	opts, err := kafka.ClientOptions(t.loaded.Settings.Kafka)
	if err != nil {
		return nil, err
	}
	return bench.NewKafka(map[string]bench.Driver{
		bench.SubjectBare: bench.BareKafka{Common: opts}, bench.SubjectLeat: bench.Leat{Open: t.open},
	}, opts...)
}

func (t *target) redis() (bench.Server, error) {
	open := func() (goredis.UniversalClient, error) { return redis.NewClient(t.loaded.Settings.Redis) }
	c, err := open()
	if err != nil {
		return nil, err
	}
	return bench.NewRedis(map[string]bench.Driver{
		bench.SubjectBare: bench.BareRedis{Open: open}, bench.SubjectLeat: bench.Leat{Open: t.open},
	}, c), nil
}

// open makes the broker of a subject, as a service would.
func (t *target) open(ctx context.Context) (broker.Broker, error) {
	c, err := t.app.Open(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Brokers(), func(b broker.Broker) bool { return b.Name() == t.name })
	if i < 0 {
		return nil, errors.Join(errors.New("no broker "+t.name), c.Close(ctx))
	}
	return opened{c.Brokers()[i], c}, nil
}

// opened is one broker of a client; closing it closes the client.
type opened struct {
	broker.Broker

	c *app.Client
}

func (o opened) Close(ctx context.Context) error { return o.c.Close(ctx) }

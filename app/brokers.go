package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/settings"
)

// Names of the brokers, in settings and of the producers that fx provides.
const (
	kafkaName  = "kafka"
	redisName  = "redis"
	memoryName = "memory"
)

// served names the broker of topics that name none.
func (p *plan) served() string {
	if b := p.env.Broker; b != nil {
		return b.Name()
	}
	return p.loaded.Settings.Broker()
}

// needed names the brokers to connect to, the default one first: all that are enabled and
// all that a topic names. With the default one in memory by name, enabled ones that no
// topic names are left alone.
func (p *plan) needed() []string {
	s := p.loaded.Settings
	names := []string{s.Broker()}
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names[0] != memoryName {
		for _, name := range enabled(s) {
			add(name)
		}
	}
	for _, t := range s.Topics {
		if t.Broker != nil {
			add(*t.Broker)
		}
	}
	slices.Sort(names[1:])
	return names
}

func enabled(s settings.Settings) (names []string) {
	if s.Kafka.Enabled {
		names = append(names, kafkaName)
	}
	if s.Redis.Enabled {
		names = append(names, redisName)
	}
	return names
}

// newBroker returns what the service talks to: the broker that is given, the one that is
// needed, or one that picks among several by topic. Nothing is connected yet.
func (p *plan) newBroker(log *slog.Logger) (broker.Broker, error) {
	if p.env.Broker != nil {
		return p.env.Broker, nil
	}
	names := p.needed()
	all := map[string]broker.Broker{}
	for _, name := range names {
		b, err := p.makeBroker(name, log)
		if err != nil {
			return nil, closeAll(all, err)
		}
		all[name] = b
	}
	if len(all) == 1 {
		return all[names[0]], nil
	}
	return &picked{names: names, all: all, route: p.routes()}, nil
}

func closeAll(all map[string]broker.Broker, err error) error {
	for _, b := range all {
		_ = b.Close(context.Background())
	}
	return err
}

func (p *plan) makeBroker(name string, log *slog.Logger) (broker.Broker, error) {
	s := p.loaded.Settings
	log = log.With(slog.String("broker", name))
	switch name {
	case kafkaName:
		return newKafka(s.Kafka, serviceName(s), log)
	case redisName:
		return newRedis(s.Redis, log)
	case memoryName:
		return memory.New(), nil
	}
	return nil, fmt.Errorf("messaging.broker is %s: choose kafka, redis or memory", name)
}

// abandon closes the broker of a service that did not come to run: fx stops only what it
// has started.
func (p *plan) abandon() {
	if p.broker == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), margin)
	defer cancel()
	_ = p.broker.Close(ctx) // why the service did not run is what counts
}

// connect waits for the servers, at most as long as start.timeout says.
func (p *plan) connect(ctx context.Context, b broker.Broker) error {
	ctx, done := p.interruptible(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, p.loaded.Settings.Start.Timeout)
	defer cancel()
	return b.Connect(ctx)
}

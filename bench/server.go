package main

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/bench"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	leatredis "github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// server is one that was started for this run.
type server struct {
	bench.Server

	version string
	stop    func() error
}

func (s server) close() error { return errors.Join(s.Close(), s.stop()) }

// starter starts a server, with the URL of a schema registry.
type starter func(ctx context.Context, registry string) (server, error)

// startKafka starts a Kafka of one node.
func startKafka(ctx context.Context, registry string) (server, error) {
	s, err := testservers.StartKafka(ctx, testservers.KafkaOptions{Heap: "768m"})
	if err != nil {
		return server{}, err
	}
	seeds := kgo.SeedBrokers(s.Brokers()...)
	leat, err := leatWith(registry, openKafka(s.Brokers()))
	if err != nil {
		return server{}, errors.Join(err, s.Close())
	}
	k, err := bench.NewKafka(map[string]bench.Driver{
		bench.SubjectBare: bench.BareKafka{Common: []kgo.Opt{seeds}}, bench.SubjectLabelled: bench.BareKafka{Common: []kgo.Opt{seeds}, Labelled: true},
		bench.SubjectLeat: leat, bench.SubjectStock: stockOnKafka(s.Brokers()),
	}, seeds)
	return server{k, "Apache Kafka " + s.Version(), s.Close}, err
}

// startRedis starts a Redis without persistence.
func startRedis(ctx context.Context, registry string) (server, error) {
	s, err := testservers.StartRedis(ctx, testservers.RedisOptions{})
	if err != nil {
		return server{}, err
	}
	leat, err := leatWith(registry, openRedis(s.URL()))
	if err != nil {
		return server{}, errors.Join(err, s.Close())
	}
	r := bench.NewRedis(map[string]bench.Driver{
		bench.SubjectBare: bareRedis(s.URL()), bench.SubjectLeat: leat, bench.SubjectStock: stockOnRedis(s.URL()),
	}, redis.NewClient(&redis.Options{Addr: s.Addr()}))
	return server{r, "Redis " + s.Version(), s.Close}, nil
}

// leatWith is leat with its default settings; its topics in Avro use the registry.
func leatWith(registry string, open func(context.Context) (broker.Broker, error)) (bench.Leat, error) {
	c, err := avro.New(avro.Config{URLs: []string{registry}, AutoRegister: true})
	return bench.Leat{Open: open, Options: []router.RouterOption{router.Codec(topics.Avro, c)}}, err
}

func openKafka(brokers []string) func(context.Context) (broker.Broker, error) {
	cfg := settings.Default().Kafka
	cfg.BootstrapServers = brokers
	return func(context.Context) (broker.Broker, error) { return kafka.New(cfg, kafka.Logger(quiet)) }
}

func openRedis(url string) func(context.Context) (broker.Broker, error) {
	cfg := settings.Default().Redis
	cfg.URL = settings.URL(url)
	return func(context.Context) (broker.Broker, error) { return leatredis.New(cfg, leatredis.Logger(quiet)) }
}

// poolSize is enough for the callers that publish at once.
const poolSize = 64

func bareRedis(url string) bench.BareRedis {
	return bench.BareRedis{Open: func() (redis.UniversalClient, error) {
		o, err := redis.ParseURL(url)
		if err != nil {
			return nil, err
		}
		o.PoolSize, o.MaxRetries = poolSize, -1
		return redis.NewClient(o), nil
	}}
}

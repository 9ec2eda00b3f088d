package app

import (
	"log/slog"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/kafka/sarama"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/router/broker/redis/redisstream"
	"github.com/leat-go/leat/settings"
)

func newKafka(cfg settings.Kafka, service string, log *slog.Logger) (broker.Broker, error) {
	opts := []kafka.Option{kafka.Logger(log), kafka.ClientID(service)}
	if cfg.Backend == "sarama" {
		return checked(sarama.New(cfg, opts...))
	}
	return checked(kafka.New(cfg, opts...))
}

func newRedis(cfg settings.Redis, log *slog.Logger) (broker.Broker, error) {
	if cfg.Backend == "watermill" {
		return checked(redisstream.New(cfg, redis.Logger(log)))
	}
	return checked(redis.New(cfg, redis.Logger(log)))
}

// checked keeps a nil pointer from becoming a broker.
func checked[B broker.Broker](b B, err error) (broker.Broker, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

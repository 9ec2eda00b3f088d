package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/leat-go/leat/internal/testservers"
)

// Kinds of servers.
const (
	inProcess    = "in process"
	kafka        = "kafka"
	redis        = "redis"
	redisCluster = "redis cluster"
	kfake        = "kfake"
	miniredis    = "miniredis"
)

// servers are the real ones that the tests share.
type servers struct {
	kafka *testservers.KafkaServer
	redis *testservers.RedisServer
}

// startServers starts them. The caller closes them, also after an error.
func startServers(ctx context.Context) (s servers, err error) {
	if s.kafka, err = testservers.StartKafka(ctx, testservers.KafkaOptions{Heap: "768m"}); err != nil {
		return s, err
	}
	s.redis, err = testservers.StartRedis(ctx, testservers.RedisOptions{})
	return s, err
}

func (s servers) close() (err error) {
	if s.kafka != nil {
		err = s.kafka.Close()
	}
	if s.redis != nil {
		err = errors.Join(err, s.redis.Close())
	}
	return err
}

// environment tells the tests where the servers are. The servers of their own are real, too.
func (s servers) environment() []string {
	return []string{
		testservers.KafkaEnv + "=" + strings.Join(s.kafka.Brokers(), ","), testservers.RedisEnv + "=" + s.redis.Addr(),
		"LEAT_REQUIRE_REAL=1",
	}
}

// names are the kinds of servers with their versions.
func (s servers) names() (map[string]string, error) {
	names := map[string]string{
		inProcess: "none: it runs in the process", kafka: "Kafka " + s.kafka.Version(),
		redis: "Redis " + s.redis.Version(), redisCluster: "Redis Cluster " + s.redis.Version(),
	}
	for kind, of := range map[string]string{kfake: "github.com/twmb/franz-go/pkg/kfake", miniredis: "github.com/alicebob/miniredis/v2"} {
		version, err := moduleVersion(of)
		if err != nil {
			return nil, err
		}
		names[kind] = kind + " " + version + ", embedded"
	}
	return names, nil
}

// moduleVersion is the version of a module in this program.
func moduleVersion(name string) (string, error) {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == name {
			return m.Version, nil
		}
	}
	return "", fmt.Errorf("%s is not built into this program", name)
}

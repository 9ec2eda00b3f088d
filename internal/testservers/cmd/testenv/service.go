package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/leat-go/leat/internal/testservers"
)

// service is a kind of server that tests need.
type service struct {
	kind, env string
	start     func(context.Context) (server, error)
}

// server is a real one that answers. The zero closer stands for one that somebody else has started.
type server struct {
	address string
	version string
	closer  io.Closer
}

func services() []service {
	return []service{
		{"kafka", testservers.KafkaEnv, startKafka},
		{"redis", testservers.RedisEnv, startRedis},
		{"registry", testservers.RegistryEnv, startRegistry},
	}
}

func startKafka(ctx context.Context) (server, error) {
	s, err := testservers.StartKafka(ctx, testservers.KafkaOptions{Heap: "768m"})
	if err != nil {
		return server{}, err
	}
	return server{strings.Join(s.Brokers(), ","), "kafka " + s.Version(), s}, nil
}

func startRedis(ctx context.Context) (server, error) {
	s, err := testservers.StartRedis(ctx, testservers.RedisOptions{})
	if err != nil {
		return server{}, err
	}
	return server{s.Addr(), "redis " + s.Version(), s}, nil
}

func startRegistry(ctx context.Context) (server, error) {
	s, err := testservers.StartRegistry(ctx, testservers.RegistryOptions{})
	if err != nil {
		return server{}, err
	}
	return server{s.URL(), "registry " + s.Version(), s}, nil
}

// find returns the server whose address is in the environment, else a new one.
func (s service) find(ctx context.Context) (server, error) {
	switch address := os.Getenv(s.env); address {
	case "":
		return s.start(ctx)
	case testservers.Embedded:
		return server{}, fmt.Errorf("%s=%s", s.env, address)
	default:
		return server{address: address, version: s.kind + " at " + address}, reach(ctx, s.env, address)
	}
}

// reach fails when nothing listens at the first of the addresses in a variable.
func reach(ctx context.Context, env, address string) error {
	first, _, _ := strings.Cut(address, ",")
	if u, err := url.Parse(first); err == nil && u.Host != "" {
		first = u.Host
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", strings.TrimSpace(first))
	if err != nil {
		return fmt.Errorf("%s=%s: %w", env, address, err)
	}
	return conn.Close()
}

package main

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

// redisServer is a Redis without persistence, started for this run.
type redisServer struct {
	s *testservers.RedisServer
	c *redis.Client
}

func startRedis(ctx context.Context) (server, error) {
	s, err := testservers.StartRedis(ctx, testservers.RedisOptions{})
	if err != nil {
		return nil, err
	}
	return &redisServer{s, redis.NewClient(&redis.Options{Addr: s.Addr()})}, nil
}

func (r *redisServer) name() string    { return "redis" }
func (r *redisServer) version() string { return "Redis " + r.s.Version() }

// create does nothing: the first entry makes a stream.
func (r *redisServer) create(context.Context, string, int) error { return nil }

func (r *redisServer) size(ctx context.Context, topic string, parts int) (n int, err error) {
	pipe := r.c.Pipeline()
	for _, s := range streams(topic, parts) {
		pipe.XLen(ctx, s)
	}
	cmds, err := pipe.Exec(ctx)
	for _, c := range cmds {
		n += int(c.(*redis.IntCmd).Val()) //nolint:forcetypeassert // that is what XLEN returns
	}
	return n, err
}

// clean removes everything that carries the names, side keys of groups too.
func (r *redisServer) clean(ctx context.Context, group string, topics ...string) {
	if group != "" {
		r.forget(ctx, group)
	}
	for _, t := range topics {
		keys := append(streams(t, partitions), "leat:topic:"+t)
		_ = r.c.Unlink(ctx, keys...).Err() // what is left costs memory alone
	}
}

func (r *redisServer) forget(ctx context.Context, group string) {
	keys := r.c.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		switch k := keys.Val(); {
		case strings.Contains(k, group):
			_ = r.c.Unlink(ctx, k).Err()
		case !strings.HasPrefix(k, "{"):
			_ = r.c.XGroupDestroy(ctx, k, group).Err() // an error: no stream
		}
	}
}

func (r *redisServer) drivers() map[string]driver {
	return map[string]driver{"bare": bareRedis{r.s.URL()}, "leat": leatOnRedis(r.s.URL()), "stock": stockOnRedis(r.s.URL())}
}

func (r *redisServer) close() error {
	_ = r.c.Close()
	return r.s.Close()
}

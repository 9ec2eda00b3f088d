package chaos

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

// lease is how long a silent member keeps its partitions.
const lease = "REDIS_LEASE=5s"

func redisWith(o testservers.RedisOptions) func(context.Context) (*servers, error) {
	return func(ctx context.Context) (*servers, error) { return startRedis(ctx, o) }
}

func startRedis(ctx context.Context, o testservers.RedisOptions) (*servers, error) {
	r, err := testservers.StartRedis(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := newLink("127.0.0.1:0", r.Addr())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	env := []string{"REDIS_ENABLED=true", "REDIS_URL=redis://" + l.proxy.Listen + "/0", lease}
	return &servers{broker: "redis", env: env, redis: r, link: l}, nil
}

func startSmallRedis(ctx context.Context) (*servers, error) {
	dir, err := os.MkdirTemp("", "leat-chaos-redis-")
	if err != nil {
		return nil, err
	}
	return onDisk(ctx, dir, dir, "512m", func() (*servers, error) {
		return startRedis(ctx, testservers.RedisOptions{DataDir: dir, AppendOnly: true, AppendFsync: "everysec"})
	})
}

// startSentinels starts a master whose replica takes its place. Nobody waits for the replica: what it does not
// have yet when the master goes, is lost.
func startSentinels(ctx context.Context) (*servers, error) {
	s, err := testservers.StartRedisSentinels(ctx, testservers.RedisOptions{})
	if err != nil {
		return nil, err
	}
	env := []string{
		"REDIS_ENABLED=true", "REDIS_SENTINEL_ADDRS=" + strings.Join(s.Addrs(), ","), "REDIS_SENTINEL_MASTER=" + s.Name(), lease,
	}
	return &servers{broker: "redis", env: env, sentinels: s}, nil
}

// client goes straight to the server, or to the one that is the master.
func (s *servers) client() *redis.Client {
	if s.sentinels != nil {
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.sentinels.Name(), SentinelAddrs: s.sentinels.Addrs(), MaxRetries: -1,
		})
	}
	return redis.NewClient(&redis.Options{Addr: s.redis.Addr(), MaxRetries: -1})
}

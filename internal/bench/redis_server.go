package bench

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Redis is a Redis as seen from outside of the subjects.
type Redis struct {
	c       redis.UniversalClient
	drivers map[string]Driver
}

// NewRedis works with a client. Closing it closes the client.
func NewRedis(drivers map[string]Driver, c redis.UniversalClient) *Redis { return &Redis{c, drivers} }

// Name is "redis".
func (r *Redis) Name() string { return "redis" }

// Create does nothing: the first entry makes a stream.
func (r *Redis) Create(context.Context, string, int) error { return nil }

// Size counts entries.
func (r *Redis) Size(ctx context.Context, topic string, parts int) (n int, err error) {
	pipe := r.c.Pipeline()
	for _, s := range Streams(parts, topic) {
		pipe.XLen(ctx, s)
	}
	cmds, err := pipe.Exec(ctx)
	for _, c := range cmds {
		n += int(c.(*redis.IntCmd).Val()) //nolint:forcetypeassert // that is what XLEN returns
	}
	return n, err
}

// Forget destroys the group on every stream, with what leat keeps of it beside the stream.
func (r *Redis) Forget(ctx context.Context, group string, parts int, topics ...string) {
	pipe := r.c.Pipeline()
	for _, s := range Streams(parts, topics...) {
		pipe.XGroupDestroy(ctx, s, group)
		for _, side := range []string{"lease", "fence", "state", "members"} {
			pipe.Unlink(ctx, "{"+s+"}:"+side+":"+group)
		}
		pipe.HDel(ctx, "{"+s+"}:groups", group)
	}
	_, _ = pipe.Exec(ctx) // what is left is swept at the end
}

// registered are the topics that leat knows.
const registered = "leat:topics"

// Drop removes streams, a key at a time: in a cluster they are in many places.
func (r *Redis) Drop(ctx context.Context, parts int, topics ...string) {
	pipe := r.c.Pipeline()
	for _, s := range Streams(parts, topics...) {
		pipe.Unlink(ctx, s)
	}
	for _, t := range topics {
		pipe.Unlink(ctx, "leat:topic:"+t)
		pipe.SRem(ctx, registered, t)
	}
	_, _ = pipe.Exec(ctx) // what is left is swept at the end
}

// Sweep removes all keys that contain the prefix.
func (r *Redis) Sweep(ctx context.Context, prefix string) error {
	err := r.eachMaster(ctx, func(ctx context.Context, c redis.UniversalClient) error { return r.unlink(ctx, c, "*"+prefix+"*") })
	names, listErr := r.c.SMembers(ctx, registered).Result()
	for _, n := range with(prefix, names) {
		err = errors.Join(err, r.c.SRem(ctx, registered, n).Err())
	}
	return errors.Join(err, listErr)
}

func (r *Redis) eachMaster(ctx context.Context, f func(context.Context, redis.UniversalClient) error) error {
	cluster, ok := r.c.(*redis.ClusterClient)
	if !ok {
		return f(ctx, r.c)
	}
	var one sync.Mutex // masters are asked at the same time
	return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		return f(ctx, c)
	})
}

func (r *Redis) unlink(ctx context.Context, c redis.UniversalClient, pattern string) error {
	keys := c.Scan(ctx, 0, pattern, 1000).Iterator()
	for keys.Next(ctx) {
		if err := r.c.Unlink(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}

// Drivers are those it was made with.
func (r *Redis) Drivers() map[string]Driver { return r.drivers }

// Close closes the client.
func (r *Redis) Close() error { return r.c.Close() }

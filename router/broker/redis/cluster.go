package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// newClient returns a client of one server, of the master that sentinels name, or of a cluster.
func newClient(o *redis.UniversalOptions) redis.UniversalClient {
	if o.MasterName != "" || !o.IsClusterMode {
		return redis.NewUniversalClient(o)
	}
	cluster := o.Cluster()
	cluster.DisableRoutingPolicies = true // which would need the right to ask for COMMAND
	c := redis.NewClusterClient(cluster)
	c.AddHook(once{})
	return c
}

// once keeps the client of a cluster from repeating what may have been done although the
// answer got lost. Where a node sends a command elsewhere it is still followed.
type once struct{}

// DialHook changes nothing.
func (once) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook serves single commands.
func (once) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, unrepeated{cmd}) }
}

// ProcessPipelineHook serves pipelines.
func (once) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		own := make([]redis.Cmder, len(cmds))
		for i, cmd := range cmds {
			own[i] = unrepeated{cmd}
		}
		return next(ctx, own)
	}
}

type unrepeated struct{ redis.Cmder }

// NoRetry tells the client.
func (unrepeated) NoRetry() bool { return true }

// at is the server that has a key.
func (b *Broker) at(ctx context.Context, key string) (redis.Cmdable, error) {
	if c, ok := b.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, key)
	}
	return b.client, nil
}

// now is the clock of the server that has a stream, which the ids of its entries come from.
func (b *Broker) now(ctx context.Context, stream string) (time.Time, error) {
	server, err := b.at(ctx, stream)
	if err != nil {
		return time.Time{}, err
	}
	return server.Time(ctx).Result()
}

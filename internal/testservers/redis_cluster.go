package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// slots is the number of hash slots of every Redis Cluster.
const slots = 16384

// RedisCluster is a Redis Cluster of masters without replicas. Each has the same share of the slots.
type RedisCluster struct {
	nodes []*RedisServer
	buses []int
}

// RedisClusterFor returns the cluster of three masters that the tests of this process share, starting it when
// t is the first to ask. Without redis-server t is skipped, or fails when real servers are required.
func RedisClusterFor(t testing.TB) *RedisCluster {
	t.Helper()
	if !mainRuns.Load() {
		t.Fatal("this package's TestMain does not call testservers.Main, which would stop the cluster")
	}
	c, err := sharedCluster()
	switch {
	case errors.Is(err, ErrUnavailable) && !RequireReal():
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return c
}

var sharedCluster = sync.OnceValues(func() (*RedisCluster, error) {
	c, err := StartRedisCluster(context.Background(), 3, RedisOptions{})
	if err == nil {
		stand.add(c)
	}
	return c, err
})

// StartRedisCluster starts a cluster of that many masters and returns when every one of them serves. The
// options are those of each, whose ports and folders are chosen.
func StartRedisCluster(ctx context.Context, masters int, o RedisOptions) (*RedisCluster, error) {
	c := &RedisCluster{}
	if err := c.start(ctx, masters, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start a redis cluster: %w", err), c.Close())
	}
	return c, nil
}

func (c *RedisCluster) start(ctx context.Context, masters int, o RedisOptions) error {
	o.Port, o.DataDir = 0, "" // each its own
	for range masters {
		if err := c.add(ctx, o); err != nil {
			return err
		}
	}
	for i := range c.nodes {
		if err := c.introduce(ctx, i); err != nil {
			return err
		}
	}
	return eventually(ctx, c.serves)
}

func (c *RedisCluster) add(ctx context.Context, o RedisOptions) error {
	bus, err := FreePort(ctx)
	if err != nil {
		return err
	}
	o.Args = append([]string{
		"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "5000",
	}, o.Args...)
	node, err := StartRedis(ctx, o)
	if err != nil {
		return err
	}
	c.nodes, c.buses = append(c.nodes, node), append(c.buses, bus)
	return nil
}

// introduce gives a node its slots and makes it known to the first one.
func (c *RedisCluster) introduce(ctx context.Context, i int) error {
	host, port, err := net.SplitHostPort(c.nodes[0].Addr())
	if err != nil {
		return err
	}
	n := len(c.nodes)
	return withRedis(c.nodes[i], func(node *redis.Client) error {
		return errors.Join(
			node.ClusterAddSlotsRange(ctx, i*slots/n, (i+1)*slots/n-1).Err(),
			node.Do(ctx, "cluster", "set-config-epoch", i+1).Err(),
			node.Do(ctx, "cluster", "meet", host, port, c.buses[0]).Err(),
		)
	})
}

func (c *RedisCluster) serves(ctx context.Context) error {
	for _, s := range c.nodes {
		err := withRedis(s, func(node *redis.Client) error {
			info, err := node.ClusterInfo(ctx).Result()
			if err == nil && (field(info, "cluster_state") != "ok" || field(info, "cluster_known_nodes") != strconv.Itoa(len(c.nodes))) {
				err = fmt.Errorf("the node at %s does not serve yet", s.Addr())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Nodes returns the masters, in the order of their slots.
func (c *RedisCluster) Nodes() []*RedisServer { return c.nodes }

// Addr returns host:port of the first node.
func (c *RedisCluster) Addr() string { return c.nodes[0].Addr() }

// Move gives a slot with all its keys to another node, as a resharding does.
func (c *RedisCluster) Move(ctx context.Context, slot int, to *RedisServer) error {
	from, err := c.owner(ctx, slot)
	if err != nil || from == to {
		return err
	}
	if err := c.announce(ctx, slot, from, to); err != nil {
		return err
	}
	for {
		moved, err := migrate(ctx, slot, from, to)
		if err != nil {
			return fmt.Errorf("move slot %d: %w", slot, err)
		}
		if moved == 0 {
			return c.conclude(ctx, slot, to)
		}
	}
}

// owner is the node that has a slot.
func (c *RedisCluster) owner(ctx context.Context, slot int) (*RedisServer, error) {
	var ranges []redis.ClusterSlot
	err := withRedis(c.nodes[0], func(node *redis.Client) (err error) {
		ranges, err = node.ClusterSlots(ctx).Result() //nolint:staticcheck // Redis 6.2 has no other
		return err
	})
	for _, r := range ranges {
		for _, s := range c.nodes {
			if r.Start <= slot && slot <= r.End && r.Nodes[0].Addr == s.Addr() {
				return s, nil
			}
		}
	}
	return nil, errors.Join(err, fmt.Errorf("slot %d has no owner", slot))
}

// announce has the keys of a slot answered with ASK once they are gone.
func (c *RedisCluster) announce(ctx context.Context, slot int, from, to *RedisServer) error {
	return errors.Join(
		setSlot(ctx, to, slot, "importing", from),
		setSlot(ctx, from, slot, "migrating", to),
	)
}

// conclude tells every node who has the slot, its new owner first.
func (c *RedisCluster) conclude(ctx context.Context, slot int, to *RedisServer) error {
	err := setSlot(ctx, to, slot, "node", to)
	for _, s := range c.nodes {
		err = errors.Join(err, setSlot(ctx, s, slot, "node", to))
	}
	return err
}

func setSlot(ctx context.Context, at *RedisServer, slot int, state string, other *RedisServer) error {
	var id string
	err := withRedis(other, func(node *redis.Client) (err error) {
		id, err = node.Do(ctx, "cluster", "myid").Text()
		return err
	})
	if err != nil {
		return err
	}
	return withRedis(at, func(node *redis.Client) error {
		return node.Do(ctx, "cluster", "setslot", slot, state, id).Err()
	})
}

// migrate moves some keys of a slot and returns how many.
func migrate(ctx context.Context, slot int, from, to *RedisServer) (moved int, err error) {
	host, port, err := net.SplitHostPort(to.Addr())
	if err != nil {
		return 0, err
	}
	err = withRedis(from, func(node *redis.Client) error {
		keys, err := node.ClusterGetKeysInSlot(ctx, slot, 10).Result()
		if moved = len(keys); err != nil || moved == 0 {
			return err
		}
		args := []any{"migrate", host, port, "", 0, 5000, "keys"}
		for _, key := range keys {
			args = append(args, key)
		}
		return node.Do(ctx, args...).Err()
	})
	return moved, err
}

// Close stops all nodes.
func (c *RedisCluster) Close() error { return closeAll(c.nodes) }

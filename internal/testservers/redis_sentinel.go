package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// sentinelMaster is the name under which the sentinels know their master.
const sentinelMaster = "leat"

// RedisSentinels are a master, a replica and three sentinels, which agree by two that a master is gone.
type RedisSentinels struct {
	servers   []*RedisServer // the first master and its replica
	sentinels []*RedisServer
}

// StartRedisSentinels starts them and returns when every sentinel knows the others and the replica, which
// follows its master. The options are those of master and replica, whose ports and folders are chosen.
func StartRedisSentinels(ctx context.Context, o RedisOptions) (*RedisSentinels, error) {
	s := &RedisSentinels{}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start redis with sentinels: %w", err), s.Close())
	}
	return s, nil
}

func (s *RedisSentinels) start(ctx context.Context, o RedisOptions) error {
	o.Port, o.DataDir = 0, "" // each its own
	master, err := StartRedis(ctx, o)
	if err != nil {
		return err
	}
	s.servers = append(s.servers, master)
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		return err
	}
	o.Args = append([]string{"--replicaof", host, port}, o.Args...)
	replica, err := StartRedis(ctx, o)
	if err != nil {
		return err
	}
	s.servers = append(s.servers, replica)
	for range 3 {
		if err := s.watch(ctx, host, port); err != nil {
			return err
		}
	}
	return eventually(ctx, s.settled)
}

// watch starts a sentinel. It writes what it learns into its own configuration.
func (s *RedisSentinels) watch(ctx context.Context, host, port string) error {
	sentinel, err := startRedis(ctx, RedisOptions{}, func(r *RedisServer, own int) ([]string, error) {
		path := filepath.Join(r.dir.path, "sentinel.conf")
		return []string{path, "--sentinel"}, os.WriteFile(path, []byte(sentinelConf(own, r.dir.path, host, port)), 0o600)
	})
	if err == nil {
		s.sentinels = append(s.sentinels, sentinel)
	}
	return err
}

func sentinelConf(own int, dir, host, port string) string {
	return fmt.Sprintf(`port %d
bind 127.0.0.1
dir %s
sentinel monitor %[3]s %s %s 2
sentinel down-after-milliseconds %[3]s 1000
sentinel failover-timeout %[3]s 6000
sentinel parallel-syncs %[3]s 1
`, own, dir, sentinelMaster, host, port)
}

func (s *RedisSentinels) settled(ctx context.Context) error {
	for _, sentinel := range s.sentinels {
		if err := knowsAll(ctx, sentinel); err != nil {
			return err
		}
	}
	return errors.Join(
		replicates(ctx, s.servers[1], "master_link_status:up"),
		replicates(ctx, s.servers[0], "state=online"), // comes later; before that nothing that the master takes is sent
	)
}

// replicates checks what a server says of its replication.
func replicates(ctx context.Context, server *RedisServer, want string) error {
	return withRedis(server, func(c *redis.Client) error {
		info, err := c.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(info, want) {
			err = fmt.Errorf("the server at %s does not say %s of its replication", server.Addr(), want)
		}
		return err
	})
}

func knowsAll(ctx context.Context, sentinel *RedisServer) error {
	return withRedis(sentinel, func(c *redis.Client) error {
		info, err := c.Info(ctx, "sentinel").Result()
		if err == nil && !strings.Contains(info, "status=ok") || !strings.Contains(info, "slaves=1,sentinels=3") {
			err = errors.Join(err, fmt.Errorf("the sentinel at %s does not know the others", sentinel.Addr()))
		}
		return err
	})
}

// Name is what the sentinels call their master.
func (s *RedisSentinels) Name() string { return sentinelMaster }

// Addrs returns host:port of the sentinels.
func (s *RedisSentinels) Addrs() []string {
	var addrs []string
	for _, sentinel := range s.sentinels {
		addrs = append(addrs, sentinel.Addr())
	}
	return addrs
}

// Servers returns the first master and its replica. Which is the master now says [RedisSentinels.Master].
func (s *RedisSentinels) Servers() []*RedisServer { return s.servers }

// Master returns the server that the sentinels agree to be the master.
func (s *RedisSentinels) Master(ctx context.Context) (*RedisServer, error) {
	master := ""
	for _, sentinel := range s.sentinels {
		addr, err := masterOf(ctx, sentinel)
		if err != nil {
			return nil, err
		}
		if master != "" && addr != master {
			return nil, fmt.Errorf("the sentinels disagree: %s and %s", master, addr)
		}
		master = addr
	}
	for _, server := range s.servers {
		if server.Addr() == master {
			return server, nil
		}
	}
	return nil, fmt.Errorf("the master at %s is unknown", master)
}

func masterOf(ctx context.Context, sentinel *RedisServer) (string, error) {
	c := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr()})
	defer c.Close() //nolint:errcheck // asked once, nothing to flush
	addr, err := c.GetMasterAddrByName(ctx, sentinelMaster).Result()
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(addr[0], addr[1]), nil
}

// Close stops the sentinels, then the servers.
func (s *RedisSentinels) Close() error { return closeAll(append(s.sentinels, s.servers...)) }

// closeAll stops all of them together.
func closeAll(servers []*RedisServer) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, server := range servers {
		wg.Go(func() { errs[i] = server.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// withRedis calls f with a client of the server.
func withRedis(s *RedisServer, f func(*redis.Client) error) error {
	c := redis.NewClient(&redis.Options{Addr: s.Addr()})
	defer c.Close() //nolint:errcheck // nothing to flush
	return f(c)
}

// eventually returns when check succeeds, or with its error when that takes too long.
func eventually(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}

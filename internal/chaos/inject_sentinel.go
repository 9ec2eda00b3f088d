package chaos

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

// failOver kills the master and starts it again when the replica has taken its place.
func failOver(ctx context.Context, r *run) error {
	master, err := r.servers.sentinels.Master(ctx)
	if err != nil {
		return err
	}
	if err := master.Kill(); err != nil {
		return err
	}
	if err := r.anotherThan(ctx, master); err != nil {
		return err
	}
	return errors.Join(master.Restart(ctx), r.obeys(ctx, master))
}

// lag is how long the replica is behind its master, and settling how long that takes; the sentinels put the
// replica right after 6 s.
const (
	lag      = 700 * time.Millisecond
	settling = 3 * time.Second
)

// lagBehind lets the replica follow its master over a slow line, and members that stand still leave messages
// unhandled that only the master has.
func lagBehind(ctx context.Context, r *run) error {
	master, err := r.servers.sentinels.Master(ctx)
	if err != nil {
		return err
	}
	line, err := newLink("127.0.0.1:0", master.Addr())
	if err != nil {
		return err
	}
	if _, err := line.slow(ctx, fromServer, int(lag.Milliseconds()), 0); err != nil {
		return err
	}
	r.servers.ways = append(r.servers.ways, &wire{link: line}) // ends with the servers
	for _, s := range r.servers.sentinels.Servers() {
		if s != master {
			err = errors.Join(err, follow(ctx, s, line.proxy.Listen))
		}
	}
	if err := errors.Join(err, wait(ctx, settling)); err != nil {
		return err
	}
	for _, m := range r.members {
		err = errors.Join(err, r.fleet.freeze(m))
	}
	return errors.Join(err, wait(ctx, lag))
}

// failOverBehind kills the master with all that is still on its way to the replica.
func failOverBehind(ctx context.Context, r *run) error {
	for _, w := range r.servers.ways {
		w.cut()
	}
	err := failOver(ctx, r)
	for _, m := range r.members {
		err = errors.Join(err, r.fleet.thaw(m))
	}
	return err
}

// follow makes a server the replica of the one at addr.
func follow(ctx context.Context, s *testservers.RedisServer, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
	defer c.Close() //nolint:errcheck // nothing to flush
	return c.ReplicaOf(ctx, host, port).Err()
}

// revive stops the master's clockwork until the replica has taken its place. It wakes as a master that takes
// what it is given until the sentinels tell it otherwise, and then forgets that.
func revive(ctx context.Context, r *run) error {
	master, err := r.servers.sentinels.Master(ctx)
	if err != nil {
		return err
	}
	if err := syscall.Kill(master.Pid(), syscall.SIGSTOP); err != nil {
		return err
	}
	err = r.anotherThan(ctx, master)
	return errors.Join(err, syscall.Kill(master.Pid(), syscall.SIGCONT), r.obeys(ctx, master))
}

// anotherThan waits until the sentinels agree on another master.
func (r *run) anotherThan(ctx context.Context, former *testservers.RedisServer) error {
	return eventually(ctx, "another master", func() bool {
		now, err := r.servers.sentinels.Master(ctx)
		return err == nil && now != former
	})
}

// obeys waits until a server follows the master as its replica.
func (r *run) obeys(ctx context.Context, former *testservers.RedisServer) error {
	c := redis.NewClient(&redis.Options{Addr: former.Addr(), MaxRetries: -1})
	defer c.Close() //nolint:errcheck // nothing to flush
	return eventually(ctx, "the former master as a replica", func() bool {
		role, err := c.Do(ctx, "role").Slice()
		return err == nil && len(role) > 3 && role[0] == "slave" && role[3] == "connected"
	})
}

// eventually polls a condition of the servers.
func eventually(ctx context.Context, what string, ok func() bool) error {
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			return errors.New("waited in vain for " + what)
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
	return nil
}

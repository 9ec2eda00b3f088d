package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
)

// answered reports whether err is an answer of the server rather than a broken connection.
func answered(err error) bool {
	var re redis.Error
	return errors.As(err, &re) && !errors.Is(err, redis.ErrClosed)
}

// passing tells the answers that end by themselves: the server is starting, full, failing
// over or without a disk.
func passing(err error) bool {
	if !answered(err) {
		return !errors.Is(err, redis.ErrClosed)
	}
	for _, code := range []string{"LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY ", "MOVED", "ASK", "UNBLOCKED"} {
		if strings.HasPrefix(err.Error(), code) {
			return true
		}
	}
	return strings.HasPrefix(err.Error(), "ERR max number of clients")
}

// refusedLogin tells that the server answers and does not let us in.
func refusedLogin(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "NOAUTH") || strings.Contains(err.Error(), "WRONGPASS") ||
		strings.Contains(err.Error(), "ERR AUTH") || strings.Contains(err.Error(), "invalid password"))
}

// hopeless tells that reading will not succeed before somebody changes something.
func hopeless(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "WRONGTYPE") || denied(err))
}

// noGroup tells that a group, or its stream, is gone.
func noGroup(err error) bool { return err != nil && strings.Contains(err.Error(), "NOGROUP") }

func (b *Broker) loginFault(err error) error {
	return fmt.Errorf("redis at %s refuses the login (set REDIS_USERNAME and REDIS_PASSWORD, or put them into REDIS_URL): %w", b.addrs(), err)
}

func (b *Broker) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: redis at %s (REDIS_URL): %w", broker.ErrUnreachable, b.addrs(), err)
}

func (b *Broker) addrs() string { return strings.Join(b.options.Addrs, ", ") }

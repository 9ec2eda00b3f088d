package redisstream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// held is the most entries that a member may have in its name: one in hand, and those
	// that were read ahead or claimed.
	held        = 1000
	keepTimeout = 5 * time.Second
)

// keep makes others leave alone what this member has in hand, however long it takes, until
// the function is called that it returns: then they may take it at once.
func (c *reading) keep(ctx context.Context, log *slog.Logger) (giveBack func()) {
	renewal, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { c.renew(renewal, log) })
	return func() {
		c.end()
		cancel()
		renewing.Wait()
		c.age(ctx, log, c.idle)
	}
}

func (c *reading) renew(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(max(c.idle/3, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.age(ctx, log, 0)
		}
	}
}

// age sets for how long the entries of this member have been idle.
func (c *reading) age(ctx context.Context, log *slog.Logger, idle time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	if err := c.tryAge(ctx, idle); err != nil && ctx.Err() == nil {
		log.Warn("entries in hand may be given to another member too early or late", "stream", c.stream, "group", c.group, "error", err)
	}
}

func (c *reading) tryAge(ctx context.Context, idle time.Duration) error {
	pending, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: c.stream, Group: c.group, Consumer: c.consumer, Start: "-", End: "+", Count: held,
	}).Result()
	if err != nil || len(pending) == 0 {
		return err
	}
	args := []any{"XCLAIM", c.stream, c.group, c.consumer, 0}
	for _, p := range pending {
		args = append(args, p.ID)
	}
	return c.Do(ctx, append(args, "IDLE", idle.Milliseconds(), "JUSTID")...).Err()
}

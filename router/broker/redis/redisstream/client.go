package redisstream

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/stock"
)

// fieldEntry is where the unmarshaler finds the id of an entry, which the stock adapter does
// not hand on. No producer writes it.
const fieldEntry = "\x00leat-entry-id"

// writing is the client that a stock publisher gets.
type writing struct{ redis.UniversalClient }

// Close leaves the client open: it is the broker's.
func (writing) Close() error { return nil }

// XAdd tells the producer where the entry went.
func (c writing) XAdd(ctx context.Context, a *redis.XAddArgs) *redis.StringCmd {
	cmd := c.UniversalClient.XAdd(ctx, a)
	if out := stock.OutgoingFrom(ctx); out != nil && cmd.Err() == nil {
		id := cmd.Val()
		out.Receipt = func() broker.Receipt {
			return broker.Receipt{Topic: out.Record.Topic, Offset: id, Time: timeOf(id)}
		}
	}
	return cmd
}

// reading is the client that a stock subscriber gets. It knows when the last read is over:
// the subscriber does not wait for that.
type reading struct {
	redis.UniversalClient

	stream, group, consumer string
	idle                    time.Duration

	mu    sync.RWMutex // held for reading while a read is under way
	ended bool
}

// Close leaves the client open: it is the broker's.
func (*reading) Close() error { return nil }

// end waits for the read that is under way and lets no other begin.
func (c *reading) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// XReadGroup puts the id of each entry where the unmarshaler finds it.
func (c *reading) XReadGroup(ctx context.Context, a *redis.XReadGroupArgs) *redis.XStreamSliceCmd {
	return c.read(ctx, func() *redis.XStreamSliceCmd { return c.UniversalClient.XReadGroup(ctx, a) })
}

// XRead is the same without a group.
func (c *reading) XRead(ctx context.Context, a *redis.XReadArgs) *redis.XStreamSliceCmd {
	return c.read(ctx, func() *redis.XStreamSliceCmd { return c.UniversalClient.XRead(ctx, a) })
}

func (c *reading) read(ctx context.Context, call func() *redis.XStreamSliceCmd) *redis.XStreamSliceCmd {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ended {
		cmd := redis.NewXStreamSliceCmd(ctx)
		cmd.SetErr(redis.Nil) // nothing there
		return cmd
	}
	cmd := call()
	for _, s := range cmd.Val() {
		identify(s.Messages)
	}
	return cmd
}

// XClaim takes entries of dead members over.
func (c *reading) XClaim(ctx context.Context, a *redis.XClaimArgs) *redis.XMessageSliceCmd {
	cmd := c.UniversalClient.XClaim(ctx, a)
	identify(cmd.Val())
	return cmd
}

func identify(entries []redis.XMessage) {
	for _, e := range entries {
		if e.Values != nil {
			e.Values[fieldEntry] = e.ID
		}
	}
}

package redis

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// readBacklog reads within a transaction that the server drops when the lease has changed
// since its token was looked at. That fences a read as well as the script does; but in the
// script all entries pass through Lua, which takes the server twice as long as the read. One
// more way to the server and back is little for a full page and much for a single entry.
//
// It reports false when nothing was read: the script then says why.
func (r *reader) readBacklog(ctx context.Context, p *page, from string, count int) (bool, error) {
	o := r.o
	c, ok := o.client().(*redis.Client) // that of a cluster may run a transaction twice
	if !ok || o.competes() {
		return false, nil
	}
	err := o.transact(ctx, c, func(pipe redis.Pipeliner) error {
		return pipe.Process(ctx, redis.NewRawWriteToCmd(ctx, p,
			"xreadgroup", "group", o.in.m.group.Name, o.consumer, "count", count, "streams", o.keys.stream, from))
	})
	if err == nil {
		err = p.unwrap()
	}
	if answered(err) || errors.Is(err, errLost) {
		p.Reset()
		return false, nil
	}
	return err == nil, err // an error on the page is looked at by the script, too
}

// transact does what f asks for unless the lease is another's, or becomes that meanwhile.
func (o *owner) transact(ctx context.Context, c *redis.Client, f func(redis.Pipeliner) error) error {
	return c.Watch(ctx, func(tx *redis.Tx) error {
		held, err := tx.Get(ctx, o.keys.lease).Result()
		if err != nil {
			return err
		}
		if token, _, _ := strings.Cut(held, "|"); token != o.token {
			return errLost
		}
		_, err = tx.TxPipelined(ctx, f)
		return err
	}, o.keys.lease)
}

// manyAcks is from how many ids on a transaction takes the server less than the script.
const manyAcks = 100

// acknowledgeMany acknowledges within a transaction, for the reasons of readBacklog. It
// reports false when nothing was acknowledged: the script then says why.
func (o *owner) acknowledgeMany(ctx context.Context, ids []string) (bool, error) {
	c, ok := o.client().(*redis.Client)
	if !ok || o.competes() || len(ids) < manyAcks {
		return false, nil
	}
	err := o.transact(ctx, c, func(pipe redis.Pipeliner) error {
		pipe.XAck(ctx, o.keys.stream, o.in.m.group.Name, ids...)
		if o.acks.noted.Load() {
			pipe.HDel(ctx, o.keys.state, ids...)
		}
		return nil
	})
	if answered(err) || errors.Is(err, errLost) {
		return false, nil
	}
	return err == nil, err
}

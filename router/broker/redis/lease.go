package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errLost     = errors.New("the lease is held by another member")
	errVanished = errors.New("the lease is gone from the server")
	errExpired  = errors.New("the lease could not be renewed in time")
)

// fenced turns the answer of a fenced script into an error.
func fenced(answer any, err error) error {
	switch {
	case err != nil:
		return err
	case answer == int64(heldByOther):
		return errLost
	case answer == int64(vanished):
		return errVanished
	}
	return nil
}

// safety is how much earlier than the server the owner of a lease takes it for over.
func safety(lease time.Duration) time.Duration { return lease / 10 }

// extend notes that the server knows the lease since asked.
func (o *owner) extend(asked time.Time) {
	lease := o.in.m.b.cfg.Lease
	o.until.Store(int64(asked.Sub(o.born) + lease - safety(lease)))
}

// left is how long the lease lasts by the monotonic clock of this process.
func (o *owner) left() time.Duration {
	if o.competes() {
		return time.Hour
	}
	return time.Duration(o.until.Load()) - time.Since(o.born)
}

// keep renews the lease every third of it until ctx ends, and gives the partition up when
// that did not succeed in time.
func (o *owner) keep(ctx context.Context) {
	lease := o.in.m.b.cfg.Lease
	for wait := lease / 3; ; {
		if pause(ctx, min(wait, max(o.left(), 0))) != nil {
			return
		}
		err := o.renew(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			wait = lease / 3
			o.reader.watch(ctx)
		case errors.Is(err, errLost):
			o.lose(err)
			return
		case o.left() <= 0:
			o.lose(fmt.Errorf("%w: %w", errExpired, err))
			return
		default:
			wait = lease / 20
		}
	}
}

func (o *owner) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(o.left(), time.Millisecond))
	defer cancel()
	c := &o.in.m.b.cfg
	asked := time.Now()
	err := fenced(renewScript.Run(ctx, o.client(), []string{o.keys.lease, o.keys.seen}, o.token, c.Lease.Milliseconds(), o.in.m.group.Name).Result())
	if errors.Is(err, errVanished) {
		return o.retake(ctx)
	}
	if err == nil {
		o.extend(asked)
	}
	return err
}

// retake sets the lease again after the server lost its data. Nobody else can have got it
// in the meantime as long as it lasts by our clock.
func (o *owner) retake(ctx context.Context) error {
	if o.left() <= 0 {
		return errExpired
	}
	c := &o.in.m.b.cfg
	asked := time.Now()
	err := fenced(retakeScript.Run(ctx, o.client(), []string{o.keys.lease}, o.token, c.Lease.Milliseconds()).Result())
	if err == nil {
		o.extend(asked)
		o.log.Warn("lease was gone from redis and is taken again")
	}
	return err
}

// acquire takes the lease of a partition if it is free.
func (in *intake) acquire(ctx context.Context, p int32) (*owner, error) {
	in.mu.Lock()
	in.taken++
	name := fmt.Sprintf("%s:%d", in.m.id, in.taken)
	in.mu.Unlock()
	o := newOwner(in, p)
	asked := time.Now()
	keys := []string{o.keys.lease, o.keys.fence, o.keys.seen}
	answer, err := acquireScript.Run(ctx, o.client(), keys, name, in.m.b.cfg.Lease.Milliseconds(), in.m.group.Name).Text()
	if errors.Is(err, redis.Nil) {
		return nil, nil //nolint:nilnil // somebody else has it
	}
	if err != nil {
		return nil, err
	}
	o.token = answer
	o.extend(asked)
	return o, nil
}

// giveBack deletes the lease if it is still ours.
func (o *owner) giveBack(ctx context.Context) error {
	if o.competes() {
		return again(ctx, func() error { return o.retire(ctx) })
	}
	return again(ctx, func() error {
		return releaseScript.Run(ctx, o.client(), []string{o.keys.lease}, o.token).Err()
	})
}

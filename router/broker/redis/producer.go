package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const (
	sendBytes   = 64 << 20
	sendTimeout = 30 * time.Second
	// directWithin is longer than a direct write takes: a read times out after 3 s, the client's default.
	directWithin = 5 * time.Second
	// maxEntry is the largest argument that a Redis server takes by default, less some
	// room for the names around the payload.
	maxEntry = 512<<20 - 64<<10
)

// producer is a door to the writer; with a room it is a bounded one.
type producer struct {
	w       *writer
	timeout time.Duration
	room    *room
}

var _ broker.DirectProducer = (*producer)(nil)

func (p *producer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if x := p.admit(ctx, r, done); x != nil {
		p.w.put(x)
	}
}

// ProduceDirect writes r in its caller's goroutine when nothing else is being written; see
// [broker.DirectProducer]. When the server does not answer, ctx does not end the wait before a read times out.
func (p *producer) ProduceDirect(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < directWithin || !p.w.enter() {
		return false
	}
	p.w.sendDirect(p.admit(ctx, r, done))
	return true
}

// admit makes a write of r when there is room for it, else done has been told why not.
func (p *producer) admit(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) *write {
	if err := errors.Join(checkTopic(r.Topic), p.Check(r)); err != nil {
		done(broker.Receipt{}, err)
		return nil
	}
	if p.room == nil {
		return newWrite(r, done)
	}
	size := int64(r.Size())
	if err := p.room.take(ctx, size); err != nil {
		done(broker.Receipt{}, fmt.Errorf("wait for room to publish to %s: %w", r.Topic, err))
		return nil
	}
	return newWrite(r, func(rc broker.Receipt, err error) {
		p.room.give(size)
		done(rc, err)
	})
}

func (p *producer) Check(r *broker.Record) error {
	if n := r.Size(); n > maxEntry {
		return fmt.Errorf("%w: %d bytes for %s, redis takes %d", broker.ErrTooLarge, n, r.Topic, maxEntry)
	}
	return nil
}

func (p *producer) Timeout() time.Duration { return p.timeout }

func (p *producer) Flush(ctx context.Context) error { return p.w.flush(ctx) }

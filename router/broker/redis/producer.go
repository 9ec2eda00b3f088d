package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const (
	sendBytes   = 64 << 20
	sendTimeout = 30 * time.Second
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

func (p *producer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if err := checkTopic(r.Topic); err != nil {
		done(broker.Receipt{}, err)
		return
	}
	if err := p.Check(r); err != nil {
		done(broker.Receipt{}, err)
		return
	}
	if p.room == nil {
		p.w.put(newWrite(r, done))
		return
	}
	size := int64(r.Size())
	if err := p.room.take(ctx, size); err != nil {
		done(broker.Receipt{}, fmt.Errorf("wait for room to publish to %s: %w", r.Topic, err))
		return
	}
	p.w.put(newWrite(r, func(rc broker.Receipt, err error) {
		p.room.give(size)
		done(rc, err)
	}))
}

func (p *producer) Check(r *broker.Record) error {
	if n := r.Size(); n > maxEntry {
		return fmt.Errorf("%w: %d bytes for %s, redis takes %d", broker.ErrTooLarge, n, r.Topic, maxEntry)
	}
	return nil
}

func (p *producer) Timeout() time.Duration { return p.timeout }

func (p *producer) Flush(ctx context.Context) error { return p.w.flush(ctx) }

package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const connectPause = 250 * time.Millisecond

// Connect dials the servers until one answers or ctx ends. The error wraps
// [broker.ErrUnreachable] and names the addresses. A refused log-in and a
// certificate that one side does not take end it early.
func (b *Broker) Connect(ctx context.Context) error {
	if b.closed.Load() {
		return broker.ErrClosed
	}
	var before error
	for {
		err := b.greet(ctx)
		if err == nil {
			return nil
		}
		over := isOver(ctx)
		if over && before != nil {
			return b.unreachable(before) // this one tells of no more than the end of ctx
		}
		before = err
		if over || refused(err) {
			return b.unreachable(err)
		}
		pause(ctx, connectPause)
	}
}

// isOver tells that ctx has ended or is about to: dialing goes by the deadline, which comes a moment earlier.
func isOver(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// greet pings and gets the producers ready at the same time.
func (b *Broker) greet(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, identifyWithin)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { b.identify(within) })
	err := b.control.Ping(ctx)
	if err != nil {
		cancel()
	}
	wg.Wait()
	return err
}

// identifyWithin bounds the wait for the ids of the producers.
const identifyWithin = 5 * time.Second

// identify gets the producers their ids before the first record: a record that waits for its producer's id
// fails with the connection, one that waits for anything else does not, and then later ones overtake it. A
// service that only reads may be refused an id, and needs none.
func (b *Broker) identify(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range []*producer{b.sends, b.outputs} {
		wg.Go(func() { b.identifyOne(ctx, p) })
	}
	wg.Wait()
}

func (b *Broker) identifyOne(ctx context.Context, p *producer) {
	_, _, err := p.cl.Load().ProducerID(ctx)
	if err == nil {
		return
	}
	b.log.Debug("no producer id yet", slog.String("error", err.Error()))
	if forbidden(err) {
		p.swap() // the first record asks again
	}
}

// Ping tells whether a server answers now.
func (b *Broker) Ping(ctx context.Context) error {
	if b.closed.Load() {
		return broker.ErrClosed
	}
	if err := b.control.Ping(ctx); err != nil {
		return b.unreachable(err)
	}
	return nil
}

// unanswered is err, or that the servers were not reached when it is not their answer.
func (b *Broker) unanswered(err error) error {
	if uncertain(err) {
		return b.unreachable(err)
	}
	return err
}

func (b *Broker) unreachable(err error) error {
	return fmt.Errorf("%w: %s (set KAFKA_BOOTSTRAP_SERVERS)%s: %w",
		broker.ErrUnreachable, strings.Join(b.cfg.BootstrapServers, ", "), b.hint(err), err)
}

// pause waits for d; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

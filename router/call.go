package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/router/broker"
)

type callKey struct{}

// call is one attempt at one message. It is the context of the handler, too: one allocation
// serves metadata, publishing and settling.
type call struct {
	context.Context //nolint:containedctx // this is a context
	h               *handler
	d               broker.Delivery
	rec             *broker.Record

	pending atomic.Int32 // outputs that are not acknowledged, and one for the attempt itself
	after   func()       // runs once the outputs are acknowledged, on a worker; set before the attempt ends

	onError func(error) // hooks of the message, nil without
	onDead  func(error)

	mu   sync.Mutex
	more *wishes // guarded by mu; nil for most messages
}

// wishes are what middleware leaves with a call.
type wishes struct {
	exchange any           // what it carries around the handler: *exchange[In, Out]
	settled  []func(error) // see broker.OnSettled
	wait     time.Duration // asked for
	waiting  bool          // wait was asked for
}

// wish changes the wishes.
func (c *call) wish(f func(*wishes)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		c.more = new(wishes)
	}
	f(c.more)
}

// wished returns the wishes of this moment.
func (c *call) wished() wishes {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		return wishes{}
	}
	return *c.more
}

func (h *handler) begin(d broker.Delivery) *call {
	c := new(call)
	c.begin(h, d)
	return c
}

// begin makes c an attempt at a delivery.
func (c *call) begin(h *handler, d broker.Delivery) {
	c.Context, c.h, c.d, c.rec = d.Context(), h, d, d.Record()
	c.pending.Store(1)
}

// Value finds the call itself, the producer of the app and what Watermill calls the handler.
func (c *call) Value(key any) any {
	switch key {
	case any(callKey{}):
		return c
	case any(producerKey{}):
		return producer{c.h.r}
	}
	if r, ok := broker.ValueOf(key, c); ok {
		return r
	}
	if v := c.Context.Value(key); v != nil || c.h.names == nil {
		return v
	}
	return c.h.names.Value(key)
}

// Attempt counts from 1.
func (c *call) Attempt() int { return c.d.Attempt() }

// Redeliver notes that a middleware wants the message again after wait.
func (c *call) Redeliver(wait time.Duration) {
	c.wish(func(w *wishes) { w.wait, w.waiting = wait, true })
}

// OnSettled notes what follows the end of this delivery.
func (c *call) OnSettled(f func(error)) {
	c.wish(func(w *wishes) { w.settled = append(w.settled, f) })
}

func (c *call) settle(err error) {
	c.mu.Lock()
	var fs []func(error)
	if c.more != nil {
		fs, c.more.settled = c.more.settled, nil
	}
	c.mu.Unlock()
	for _, f := range fs {
		f(err)
	}
}

// id returns the message's id, made from its place when the producer gave none.
func (c *call) id() string {
	if c.rec.ID != "" {
		return c.rec.ID
	}
	return fmt.Sprintf("%s/%d/%s", c.rec.Topic, c.rec.Partition, c.rec.Offset)
}

// interrupted reports whether leat took the message away while the handler ran.
func (c *call) interrupted() bool { return c.d.Context().Err() != nil }

func (c *call) giveBack() {
	c.d.Return()
	c.settle(ErrInterrupted)
}

// expect notes one more output that must be acknowledged before the message is done.
func (c *call) expect() { c.pending.Add(1) }

// acknowledged ends one output, or the attempt itself; the last one finishes the message.
func (c *call) acknowledged() {
	switch {
	case c.pending.Add(-1) != 0:
	case c.after == nil:
		c.done()
	default:
		c.d.Then(func() {
			c.after()
			c.done()
		})
	}
}

func (c *call) done() {
	c.d.Done()
	c.settle(nil)
}

// finish ends a successful attempt: the key may go on, the message is done when all outputs
// are acknowledged and after has run.
func (c *call) finish(after func()) {
	c.after = after
	if c.pending.Load() == 1 { // nothing to wait for: spare the release
		if after != nil {
			after()
		}
		c.done()
		return
	}
	c.d.Release()
	c.acknowledged()
}

// fail ends a failed attempt.
func (c *call) fail(err error) {
	if c.interrupted() || errors.Is(err, errUnpulled) {
		c.giveBack()
		return
	}
	if errors.Is(err, codec.ErrUnavailable) { // what the handler published waits for its registry
		c.postpone(err)
		return
	}
	if c.onError != nil {
		c.onError(err)
	}
	if w := c.wished(); w.waiting {
		c.park(err, w.wait)
		return
	}
	d := c.h.policy.Decide(err, c.d.Attempt())
	if d.Dead {
		c.bury(err, d.Kind)
		return
	}
	c.park(err, d.Wait)
}

// park waits for another attempt without a worker.
func (c *call) park(err error, wait time.Duration) {
	now := time.Now()
	c.h.r.counters.retries.Add(1)
	c.log(slog.LevelWarn, "attempt failed, will retry", err, slog.Duration("wait", wait))
	c.d.Park(c.d.Attempt()+1, now.Add(wait), c.firstFailed(now))
	c.settle(err)
}

// firstFailed is when the first attempt failed, now if this was it.
func (c *call) firstFailed(now time.Time) time.Time {
	if first := c.d.FirstFailed(); !first.IsZero() {
		return first
	}
	return now
}

// postpone waits for something outside of the message, such as a registry: no attempt.
func (c *call) postpone(err error) {
	if c.interrupted() {
		c.giveBack()
		return
	}
	c.h.r.counters.schemaWaits.Add(1)
	c.log(slog.LevelWarn, "waiting for a schema registry", err, slog.Duration("wait", postponeWait))
	c.d.Park(c.d.Attempt(), time.Now().Add(postponeWait), c.d.FirstFailed())
	c.settle(err)
}

// postponeWait is the pause between two tries while a registry is away.
const postponeWait = time.Second

// bury sends the message to the dead letters and finishes it when it is there.
func (c *call) bury(err error, kind outcome.Kind) {
	var after func()
	if c.onDead != nil {
		after = func() { c.onDead(err) }
	}
	if c.h.cfg.noDead {
		c.h.r.counters.dropped.Add(1)
		c.log(slog.LevelError, "message dropped after its last attempt", err, slog.String("kind", string(kind)))
		c.finish(after)
		return
	}
	c.h.r.counters.deadLetters.Add(1)
	c.log(slog.LevelError, "message goes to the dead letters", err,
		slog.String("kind", string(kind)), slog.String("dead_letter_topic", c.h.info.DeadLetter))
	c.output(c.deadLetter(err, kind))
	c.finish(after)
}

func (c *call) log(level slog.Level, msg string, err error, attrs ...slog.Attr) {
	c.h.r.log.LogAttrs(context.WithoutCancel(c.Context), level, msg, append([]slog.Attr{
		slog.String("handler", c.h.info.Name), slog.String("topic", c.rec.Topic), slog.Int("partition", int(c.rec.Partition)),
		slog.String("offset", c.rec.Offset), slog.String("group", c.h.info.Group), slog.String("id", c.id()),
		slog.Int("attempt", c.d.Attempt()), slog.String("error", errorText(err)),
	}, attrs...)...)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	const limit = 4096
	if s := err.Error(); len(s) <= limit {
		return s
	}
	return err.Error()[:limit] + "…"
}

// recovered runs f and turns a panic into an error.
func recovered(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanic(v)
		}
	}()
	return f()
}

var errNilValue = errors.New("the value is nil, which only a state topic may carry")

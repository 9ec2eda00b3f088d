package router

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// Waits between tries to send outputs that failed.
const (
	firstResend = time.Second
	lastResend  = time.Minute
)

// outputs sends what handlers return and dead letters, until the broker has them. What fails
// is kept in order and sent again with a growing wait; its keys stop meanwhile.
type outputs struct {
	r       *Router
	failing atomic.Bool // wait is longer than at first
	mu      sync.Mutex
	kept    []*output
	wait    time.Duration
	busy    bool // a timer or a resend is under way
}

// output is one record that a message needs before it is done.
type output struct {
	c   owner
	rec *broker.Record
	lot *lot // that rec is of, nil when it is alone
	// done, when set, makes this a publish of the handler's own: it learns how that ended,
	// and a refusal is its business.
	done func(broker.Receipt, error)
}

// owner is the message, or the batch, that an output belongs to.
type owner interface {
	expect()
	acknowledged()
	hold()
	refused(o *output, err error)
	giveBack()
	interrupted() bool
	lineage() (correlation []byte, causation string, trace []byte)
	log(level slog.Level, msg string, err error, attrs ...slog.Attr)
}

func newOutputs(r *Router) *outputs { return &outputs{r: r, wait: firstResend} }

// output sends rec as a part of the message.
func (c *call) output(rec *broker.Record) {
	c.expect()
	c.h.r.outputs.send(output{c: c, rec: rec})
}

func (os *outputs) send(o output) {
	os.r.broker.Outputs().Produce(context.Background(), o.rec, func(rc broker.Receipt, err error) { os.answer(o, rc, err) })
}

// sendAll sends the records of a lot, one for each owner, in order.
func (os *outputs) sendAll(recs []*broker.Record, l *lot, of func(i int) owner) {
	l.send(len(recs))
	all, ok := os.r.broker.Outputs().(broker.BatchProducer)
	if !ok || len(recs) < 2 {
		for i, rec := range recs {
			os.send(output{c: of(i), rec: rec, lot: l})
		}
		return
	}
	all.ProduceAll(context.Background(), recs, func(i int, rc broker.Receipt, err error) {
		os.answer(output{c: of(i), rec: recs[i], lot: l}, rc, err)
	})
}

func (os *outputs) answer(o output, rc broker.Receipt, err error) {
	if err != nil {
		kept := o // the rare case pays
		os.failed(&kept, err)
		return
	}
	os.succeeded()
	if o.done != nil {
		o.done(rc, nil)
	}
	if o.lot != nil {
		o.lot.written()
	}
	o.c.acknowledged()
}

func (os *outputs) succeeded() {
	if !os.failing.Load() {
		return
	}
	os.mu.Lock()
	defer os.mu.Unlock()
	if len(os.kept) == 0 && !os.busy {
		os.wait = firstResend
		os.failing.Store(false)
	}
}

// failed keeps an output for later, or tells its owner that it will never be written.
func (os *outputs) failed(o *output, err error) {
	switch {
	case errors.Is(err, broker.ErrTooLarge):
		go o.c.refused(o, err) // a producer's callback must not block
	case o.c.interrupted() || errors.Is(err, broker.ErrClosed):
		o.c.giveBack()
	default:
		o.c.log(slog.LevelError, "output not written, will be sent again", err, slog.String("output_topic", o.rec.Topic))
		o.c.hold()
		os.keep(o)
	}
}

// refused makes an output that cannot be written a failed attempt; a dead letter shrinks.
func (c *call) refused(o *output, err error) {
	switch {
	case o.done != nil:
		o.done(broker.Receipt{}, err)
		c.acknowledged()
	case o.rec.Topic == c.h.info.DeadLetter && o.rec.Value != nil && len(o.rec.Value) > 0:
		o.rec = c.withoutValue(o.rec)
		c.h.r.outputs.send(*o)
	default:
		c.fail(err)
	}
}

func (c *call) hold() { c.d.Hold() }

func (os *outputs) keep(o *output) {
	os.mu.Lock()
	defer os.mu.Unlock()
	os.kept = append(os.kept, o)
	if len(os.kept) == 1 {
		os.r.counters.degraded.Add(1)
	}
	if !os.busy {
		os.busy = true
		os.failing.Store(true)
		time.AfterFunc(os.wait, os.again)
		os.wait = min(2*os.wait, lastResend)
	}
}

// again sends everything that was kept, in order.
func (os *outputs) again() {
	os.mu.Lock()
	kept := os.kept
	os.kept, os.busy = nil, false
	if len(kept) > 0 {
		os.r.counters.degraded.Add(-1)
	}
	os.mu.Unlock()
	for _, o := range kept {
		if o.c.interrupted() {
			o.c.giveBack()
			continue
		}
		os.send(*o)
	}
}

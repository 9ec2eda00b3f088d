package brokertest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/leat-go/leat/router/broker"
)

const (
	whileAway    = "what is published while the broker is away is written when it is back, in order"
	whenGivingUp = "what may have been written when Close gave up is told as unknown"
)

// awayDefects go wrong where the way to the broker breaks.
var awayDefects = []defective{
	{"acknowledges and drops what is published while the broker is away", whileAway, defect{meanwhile: func(x waiting) bool {
		x.done(x.receipt(), nil)
		return true
	}}},
	{"refuses what is published while the broker is away", whileAway, defect{meanwhile: func(x waiting) bool {
		x.done(broker.Receipt{}, broker.ErrUnreachable)
		return true
	}}},
	{"acknowledges and drops what had waited", whileAway, defect{back: func(xs []waiting) {
		for _, x := range xs {
			x.done(x.receipt(), nil)
		}
	}}},
	{"acknowledges and drops one of what had waited", whileAway, defect{back: func(xs []waiting) {
		for i, x := range xs {
			if i == len(xs)/2 {
				x.done(x.receipt(), nil)
				continue
			}
			x.write()
		}
	}}},
	{"turns around what had waited", whileAway, defect{back: func(xs []waiting) {
		for _, x := range slices.Backward(xs) {
			x.write()
		}
	}}},
	{"writes first what had waited last", whileAway, defect{back: func(xs []waiting) {
		last := len(xs) - 1
		xs[last].write()
		for _, x := range xs[:last] {
			x.write()
		}
	}}},
	{"repeats what had waited in another order", whileAway, defect{back: func(xs []waiting) {
		for _, x := range xs {
			x.write()
		}
		for _, x := range slices.Backward(xs) {
			x.writeSilently()
		}
	}}},
	{"forgets what had waited", whileAway, defect{back: func([]waiting) {}}},
	{"never tells of the last that had waited", whileAway, defect{back: func(xs []waiting) {
		for i, x := range xs {
			if i == len(xs)-1 {
				x.done = func(broker.Receipt, error) {}
			}
			x.write()
		}
	}}},
	{"tells twice of what had waited", whileAway, defect{back: func(xs []waiting) {
		for _, x := range xs {
			x.write()
			x.done(x.receipt(), nil)
		}
	}}},
	{"says of one that had waited that its outcome is unknown", whileAway, defect{back: func(xs []waiting) {
		xs[0].giveUp(true)
		for _, x := range xs[1:] {
			x.write()
		}
	}}},
	{"takes no notice of Away", whileAway, defect{meanwhile: func(x waiting) bool { x.write(); return true }}},

	{"tells a certain failure of what was written", whenGivingUp, leaves(func(x waiting) {
		x.writeSilently()
		x.done(broker.Receipt{}, broker.ErrClosed)
	})},
	{"tells a certain failure of what is written afterwards", whenGivingUp, defect{
		left: func(x waiting) bool { x.done(broker.Receipt{}, broker.ErrClosed); return true },
		back: func(xs []waiting) {
			for _, x := range xs {
				x.writeSilently()
			}
		},
	}},
	{"acknowledges what it gives up", whenGivingUp, leaves(func(x waiting) { x.done(x.receipt(), nil) })},
	{"never tells of what it gives up", whenGivingUp, leaves(func(waiting) {})},
	{"tells twice of what it gives up", whenGivingUp, leaves(func(x waiting) {
		x.done(broker.Receipt{}, broker.ErrOutcomeUnknown)
		x.done(broker.Receipt{}, broker.ErrOutcomeUnknown)
	})},
	{"writes what it gives up and tells so twice", whenGivingUp, leaves(func(x waiting) {
		x.write()
		x.done(broker.Receipt{}, broker.ErrOutcomeUnknown)
	})},
	{"closes without a word of what it gives up", whenGivingUp, defect{mute: true}},
	{"waits in Close until the broker is back", whenGivingUp, defect{endless: true}},
}

// leaves does something else with one in five that Close gives up.
func leaves(f func(waiting)) defect {
	var n int
	return defect{left: func(x waiting) bool {
		if n++; n%5 == 0 {
			f(x)
			return false
		}
		x.giveUp(n%2 == 0)
		return false
	}}
}

// way is how a client reaches its store. While it is broken, what is published waits.
type way struct {
	defect defect

	mu      sync.Mutex
	broken  bool
	waiting []waiting
	mended  chan struct{}
}

// waiting is a record that waits for the way.
type waiting struct {
	p    broker.Producer
	r    *broker.Record
	done func(broker.Receipt, error)
}

func (x waiting) write() { x.p.Produce(context.Background(), x.r, x.done) }
func (x waiting) writeSilently() {
	x.p.Produce(context.Background(), x.r, func(broker.Receipt, error) {})
}
func (x waiting) receipt() broker.Receipt { return broker.Receipt{Topic: x.r.Topic, Offset: "0"} }

// giveUp tells of a record that is not written for certain, or of one whose answer was lost.
func (x waiting) giveUp(arrived bool) {
	if !arrived {
		x.done(broker.Receipt{}, broker.ErrClosed)
		return
	}
	x.writeSilently()
	x.done(broker.Receipt{}, broker.ErrOutcomeUnknown)
}

func breakWay(b broker.Broker) (back func()) {
	w := b.(client).way //nolint:forcetypeassert // the store opened it
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken, w.mended = true, make(chan struct{})
	return w.mend
}

func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
	close(w.mended)
	xs := w.waiting
	w.waiting = nil
	if w.defect.back != nil && len(xs) > 0 {
		w.defect.back(xs)
		return
	}
	for _, x := range xs[:len(xs)/2] {
		x.writeSilently() // the answers were lost
	}
	for _, x := range xs {
		x.write()
	}
}

// takes reports whether the way is broken, and has x wait then.
func (w *way) takes(x waiting) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.broken {
		return false
	}
	if w.defect.meanwhile == nil || !w.defect.meanwhile(x) {
		w.waiting = append(w.waiting, x)
	}
	return true
}

// close gives up what still waits when ctx ends.
func (w *way) close(ctx context.Context) error {
	w.mu.Lock()
	waits, mended := len(w.waiting) > 0, w.mended
	w.mu.Unlock()
	if !waits {
		return nil
	}
	if w.defect.endless {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-mended:
		return nil
	case <-ctx.Done():
		return w.giveUp() //nolint:contextcheck // a write is a matter of the store
	}
}

func (w *way) giveUp() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var kept []waiting
	for i, x := range w.waiting {
		switch {
		case w.defect.left == nil:
			x.giveUp(i%2 == 0)
		case w.defect.left(x):
			kept = append(kept, x)
		}
	}
	w.waiting = kept
	if w.defect.mute {
		return nil
	}
	return errors.New("some records were given up")
}

// distant is a producer at the other end of a way.
type distant struct {
	broker.Producer
	w *way
}

func (p distant) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if !p.w.takes(waiting{p.Producer, r, done}) {
		p.Producer.Produce(ctx, r, done)
	}
}

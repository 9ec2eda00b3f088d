package kafka

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// gathering makes records of many callers go to the client together. To hand over a record costs less when others
// follow at once, and a request takes more of them, which is most of what it costs the servers. A goroutine takes what
// there is as soon as the scheduler lets it, or, with mostWaves on their way, when one of them is answered.
type gathering struct {
	hand     func([]handed)
	turn     sync.Mutex    // of who hands over
	waves    atomic.Int64  // that are not answered
	answered chan struct{} // told when one is

	mu      sync.Mutex
	waiting []handed
	spare   []handed // memory for the next ones
	busy    bool     // some wait or are being handed over
}

// handed is a record and who wants to know what became of it.
type handed struct {
	rec *broker.Record
	caller
}

// behind adds records of a caller, and reports whether some wait in front of them. Else the caller must see that
// they are handed over.
func (g *gathering) behind(c caller, rs ...*broker.Record) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c.i = range rs {
		g.waiting = append(g.waiting, handed{rs[c.i], c})
	}
	before := g.busy
	g.busy = true
	return before
}

// mostWaves is how many are on their way before the next one waits for an answer. With fewer of them a record waits
// for longer, with more there are more requests: a server answers one after the other of a connection.
const mostWaves = 3

// patience is how long the next one waits at the most: servers that are far away or do not answer hold up nobody else.
const patience = 5 * time.Millisecond

// wave is what was handed over at once.
type wave struct {
	g    *gathering
	open atomic.Int64 // records that are not settled
}

func (g *gathering) newWave(n int) *wave {
	w := &wave{g: g}
	w.open.Store(int64(n))
	g.waves.Add(1)
	return w
}

// settled ends n records.
func (w *wave) settled(n int) {
	if w.open.Add(-int64(n)) > 0 {
		return
	}
	w.g.waves.Add(-1)
	select {
	case w.g.answered <- struct{}{}:
	default: // told already
	}
}

// run hands over until nothing waits. It lets others run in between, who may have more then.
func (g *gathering) run() {
	for g.await(); g.pass(); g.await() {
		runtime.Gosched()
	}
}

// await returns when another wave may go.
func (g *gathering) await() {
	if g.waves.Load() < mostWaves {
		return
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	for g.waves.Load() >= mostWaves {
		select {
		case <-g.answered:
		case <-t.C:
			return
		}
	}
}

// pass hands over what waits, and reports whether more has come meanwhile.
func (g *gathering) pass() bool {
	g.turn.Lock()
	defer g.turn.Unlock()
	hs := g.take()
	if len(hs) > 0 {
		g.hand(hs)
	}
	clear(hs)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spare, g.busy = hs[:0], len(g.waiting) > 0
	return g.busy
}

func (g *gathering) take() []handed {
	g.mu.Lock()
	defer g.mu.Unlock()
	hs := g.waiting
	g.waiting, g.spare = g.spare, nil
	return hs
}

package kafka

import (
	"runtime"
	"sync"

	"github.com/leat-go/leat/router/broker"
)

// gathering makes records of many callers go to the client together. To hand over a record costs less when others
// follow at once, and a request that is ready takes more of them. Nobody waits for others to come: a goroutine takes
// what there is as soon as the scheduler lets it.
type gathering struct {
	hand func([]handed)
	turn sync.Mutex // of who hands over

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

// run lets others run in between, who may have more then.
func (g *gathering) run() {
	for g.pass() {
		runtime.Gosched()
	}
}

// pass hands over what waits, and reports whether more has come meanwhile.
func (g *gathering) pass() bool {
	g.turn.Lock()
	defer g.turn.Unlock()
	hs := g.take()
	g.hand(hs)
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

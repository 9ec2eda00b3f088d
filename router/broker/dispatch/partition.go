package dispatch

import (
	"context"
	"errors"
	"math"
	"time"
)

// ErrLost is the cause of the contexts of handlers whose partition is no longer theirs or
// whose service stops.
var ErrLost = errors.New("the partition was lost or the service stops")

// Grace is how long a drain that ran out of time waits for handlers whose contexts it ended.
const Grace = time.Second

// Partition is one generation of an assigned partition.
type Partition[T any] struct {
	ID int32

	e      *Engine[T]
	ctx    context.Context //nolint:containedctx // the life of the generation, given to handlers
	cancel context.CancelCauseFunc

	slots             line[T]
	first             int64 // seq of the first slot
	next              int64 // position after everything finished and contiguous
	lanes             map[string]*lane[T]
	resting           []*lane[T] // a ring of those that were without items last
	rested            int        // how many rested so far
	load              load
	running, released int
	pending           int // tasks that wait or run, callbacks under way

	stopped bool // nothing new runs
	closed  bool // late calls are ignored
	resumed chan struct{}
	idle    chan struct{} // closed when stopped and nothing is under way
}

// Feed delivers entries in the order of their positions. It reports whether the partition is
// at a bound: the caller should stop feeding it until Resume is called or Wait returns. What
// is fed all the same is taken.
func (p *Partition[T]) Feed(entries ...Entry[T]) (full bool) {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	if p.stopped {
		return true
	}
	var room []Item[T]
	for i := range entries {
		if len(room) == 0 {
			room = make([]Item[T], min(itemsTogether, len(entries)-i))
		}
		p.add(&entries[i], &room[0])
		room = room[1:]
	}
	return p.pauseIfFull()
}

// itemsTogether is how many items share a piece of memory. One of them that waits for long
// keeps the others.
const itemsTogether = 16

func (p *Partition[T]) add(en *Entry[T], it *Item[T]) {
	if en.Finished {
		p.slots.push(slot[T]{position: en.Position})
		p.advance()
		return
	}
	*it = Item[T]{Position: en.Position, Value: en.Value, l: p.lane(en.Key), seq: p.first + int64(len(p.slots.open()))}
	it.size = int32(min(en.Size, math.MaxInt32)) //nolint:gosec // bounded
	if en.Attempt > 0 {
		it.retry = &retry{en.Attempt, en.Due, en.FirstFailed}
	}
	p.slots.push(slot[T]{en.Position, it})
	p.count(load{records: 1, bytes: int64(it.size), queued: 1})
	it.l.refs++
	it.l.queue.push(it)
	it.l.wake()
}

// count accounts for what is delivered and not done.
func (p *Partition[T]) count(more load) {
	p.load.add(more)
	p.e.load.add(more)
	if more.queued < 0 {
		p.e.checkDemand()
	}
}

func (p *Partition[T]) lane(key []byte) *lane[T] {
	if len(key) == 0 && p.e.cfg.Unordered {
		return &lane[T]{p: p}
	}
	l, ok := p.lanes[string(key)]
	if !ok {
		l = &lane[T]{p: p, key: string(key), known: true}
		p.lanes[l.key] = l
	}
	return l
}

// restingLanes is how many lanes without items a partition remembers: their keys probably come again.
const restingLanes = 256

// rest remembers a lane without items, in the place of another one.
func (p *Partition[T]) rest(l *lane[T]) {
	if l.resting || !l.known {
		return
	}
	if p.resting == nil {
		p.resting = make([]*lane[T], restingLanes)
	}
	at := &p.resting[p.rested%restingLanes]
	if *at != nil {
		p.forget(*at)
	}
	*at, l.resting = l, true
	p.rested++
}

// forget lets a lane go that rested for long. One that has items again rests anew after them.
func (p *Partition[T]) forget(l *lane[T]) {
	l.resting = false
	if l.idle() {
		l.known = false
		delete(p.lanes, l.key)
	}
}

// finish accounts for an item that is done, and returns the partitions that have room again.
func (p *Partition[T]) finish(it *Item[T]) (resumed []*Partition[T]) {
	before := p.e.load
	p.count(load{records: -1, bytes: -int64(it.size)})
	p.slots.open()[it.seq-p.first].it = nil
	p.advance()
	switch {
	case len(p.e.paused) == 0:
		return nil
	case p.e.eased(before):
		return p.e.resumable()
	default:
		return p.resumable()
	}
}

// advance moves the end over what is finished.
func (p *Partition[T]) advance() {
	open, n := p.slots.open(), 0
	for n < len(open) && open[n].it == nil {
		p.next = open[n].position + 1
		n++
	}
	p.slots.drop(n)
	p.first += int64(n)
}

// Run is a stretch of positions, both ends included.
type Run struct{ From, To int64 }

// Waiting is an unfinished item that has failed before.
type Waiting struct {
	Position         int64
	Attempt          int
	Due, FirstFailed time.Time
}

// Progress is what the next owner of the partition needs to know.
type Progress struct {
	// Next is the position to go on at: everything before it is finished.
	Next int64
	// Finished are the positions above Next that are finished.
	Finished []Run
	// Waiting are the unfinished items that have failed before.
	Waiting []Waiting
}

// Next is the position after everything that is finished without a gap.
func (p *Partition[T]) Next() int64 {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	return p.nextLocked()
}

func (p *Partition[T]) nextLocked() int64 {
	if open := p.slots.open(); len(open) > 0 {
		return open[0].position
	}
	return p.next
}

// Progress returns what is finished and what waits. It walks all that is delivered.
func (p *Partition[T]) Progress() Progress {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	pr := Progress{Next: p.nextLocked()}
	open := false // the last item continues a run
	for _, s := range p.slots.open() {
		switch {
		case s.it != nil:
			open = false
			if r := s.it.retry; r != nil && r.attempt > 1 {
				pr.Waiting = append(pr.Waiting, Waiting{s.it.Position, r.attempt, r.due, r.firstFailed})
			}
		case open:
			pr.Finished[len(pr.Finished)-1].To = s.position
		default:
			open = true
			pr.Finished = append(pr.Finished, Run{s.position, s.position})
		}
	}
	return pr
}

// Context ends when the partition is lost or its drain ran out of time.
func (p *Partition[T]) Context() context.Context { return p.ctx }

// Revoke stops the partition in order: nothing new runs, running handlers may end and what
// they released may be done until ctx ends; then their contexts end, and after Grace what
// is left is given up. Progress then tells what to commit; late calls are ignored.
func (p *Partition[T]) Revoke(ctx context.Context) {
	p.stop()
	select {
	case <-p.idle:
	case <-ctx.Done():
		p.cancel(ErrLost)
		p.awaitGrace()
	}
	p.close()
}

func (p *Partition[T]) awaitGrace() {
	t := time.NewTimer(Grace)
	defer t.Stop()
	select {
	case <-p.idle:
	case <-t.C:
	}
}

// Drop gives the partition up at once: it belongs to somebody else already.
func (p *Partition[T]) Drop() { p.close() }

func (p *Partition[T]) stop() {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	p.stopLocked()
}

func (p *Partition[T]) stopLocked() {
	if p.stopped {
		return
	}
	p.stopped = true
	for _, l := range p.lanes {
		l.disarm()
	}
	p.unpause()
	p.checkIdle()
	if f := p.e.filling; f != nil {
		f.stop(p) // what waits for more of it waits no longer
	}
}

func (p *Partition[T]) close() {
	p.e.mu.Lock()
	p.closeLocked()
	resumed := p.e.resumable()
	p.e.mu.Unlock()
	p.e.resume(resumed)
}

func (p *Partition[T]) closeLocked() {
	p.stopLocked()
	if p.closed {
		return
	}
	p.closed = true
	p.cancel(ErrLost)
	p.count(load{-p.load.records, -p.load.bytes, -p.load.queued})
	delete(p.e.parts, p)
	p.becomeIdle()
}

// checkIdle closes idle once a stopped partition has nothing under way.
func (p *Partition[T]) checkIdle() {
	if p.stopped && p.running == 0 && p.released == 0 && p.pending == 0 {
		p.becomeIdle()
	}
}

func (p *Partition[T]) becomeIdle() {
	select {
	case <-p.idle:
	default:
		close(p.idle)
	}
}

package dispatch

import "context"

// The least that a partition may have in flight, however many partitions there are.
const (
	minRecords = 100
	minBytes   = 1 << 20
)

// ownPart divides what partitions have for themselves: the rest of a bound belongs to those who need it.
const ownPart = 4

// room is how a bound is divided: own is what each partition may take whatever the others do, so that one
// with a stuck key leaves them something, and everybody may take more until all together have common. A
// client hands over what it has fetched of one partition before it comes to the next: with shares of fixed
// size most of the bound would be nobody's.
type room struct{ own, common int64 }

func (e *Engine[T]) room(bound, least int64) room {
	n := int64(len(e.parts))
	if n < 2 {
		return room{own: bound}
	}
	own := max(bound/(ownPart*n), min(bound, least))
	return room{own, max(bound-n*own, bound/2)}
}

func (r room) usedUp(own, all int64) bool { return own >= r.own && all >= r.common }

// again is where a partition goes on that was paused. Of what is common an eighth is enough: waiting for more
// would leave handlers idle while the acknowledgements of what they published come in.
func (r room) again() room { return room{max(r.own/2, 1), r.common - r.common/8} }

// load is what is delivered and not done; of the records, queued wait for a worker.
type load struct{ records, bytes, queued int64 }

func (l *load) add(more load) {
	l.records += more.records
	l.bytes += more.bytes
	l.queued += more.queued
}

// atBound reports whether a bound of the partition is reached or, when it is paused, too near to go on.
func (p *Partition[T]) atBound(paused bool) bool {
	e := p.e
	records, bytes, span := e.room(int64(e.cfg.Records), minRecords), e.room(e.cfg.Bytes, minBytes), e.cfg.Span
	if paused {
		records, bytes, span = records.again(), bytes.again(), max(span/2, 1)
	}
	return records.usedUp(p.load.records, e.load.records) || bytes.usedUp(p.load.bytes, e.load.bytes) || len(p.slots.open()) >= span
}

// eased reports whether what is common has room again that it did not have before.
func (e *Engine[T]) eased(before load) bool {
	records, bytes := e.room(int64(e.cfg.Records), minRecords).again().common, e.room(e.cfg.Bytes, minBytes).again().common
	return before.records >= records && e.load.records < records || before.bytes >= bytes && e.load.bytes < bytes
}

func (p *Partition[T]) pauseIfFull() bool {
	if p.resumed == nil && p.atBound(false) {
		p.resumed = make(chan struct{})
		p.e.paused[p] = struct{}{}
	}
	return p.resumed != nil
}

// Full reports whether the partition is at a bound: the last Feed said so and Resume has not
// come since.
func (p *Partition[T]) Full() bool {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	return p.resumed != nil
}

func (p *Partition[T]) unpause() {
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
		delete(p.e.paused, p)
	}
}

// resumable takes the partition when it may go on.
func (p *Partition[T]) resumable() []*Partition[T] {
	if p.resumed == nil || p.atBound(true) {
		return nil
	}
	p.unpause()
	return []*Partition[T]{p}
}

// resumable takes all partitions that may go on.
func (e *Engine[T]) resumable() (ps []*Partition[T]) {
	for p := range e.paused {
		ps = append(ps, p.resumable()...)
	}
	return ps
}

func (e *Engine[T]) resume(ps []*Partition[T]) {
	if e.cfg.Resume == nil {
		return
	}
	for _, p := range ps {
		e.cfg.Resume(p)
	}
}

// Wait returns when the partition is not at a bound, or with ErrLost when it was stopped.
func (p *Partition[T]) Wait(ctx context.Context) error {
	p.e.mu.Lock()
	room := p.resumed
	p.e.mu.Unlock()
	if room != nil {
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	if p.stopped {
		return ErrLost
	}
	return nil
}

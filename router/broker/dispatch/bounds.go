package dispatch

import "context"

// The least that a partition may have in flight, however many partitions there are.
const (
	minRecords = 100
	minBytes   = 1 << 20
)

// ownPart divides what partitions have for themselves: the rest of a bound belongs to those who need it.
const ownPart = 4

// room divides a bound: own is what each partition may take whatever the others do, so that one with a stuck
// key leaves them something, and everybody may take more until all together have common. A client hands
// over what it has fetched of one partition before it comes to the next: with shares of fixed size most of
// the bound would be nobody's.
func (e *Engine[T]) room(bound, least int64) (own, common int64) {
	n := int64(len(e.parts))
	if n < 2 {
		return bound, 0
	}
	own = max(bound/(ownPart*n), min(bound, least))
	return own, max(bound-n*own, bound/2)
}

// load is what is delivered and not done.
type load struct{ records, bytes int64 }

// above reports whether a bound of the partition is reached at 1/div of its size.
func (p *Partition[T]) above(div int64) bool {
	e := p.e
	records, allRecords := e.room(int64(e.cfg.Records), minRecords)
	bytes, allBytes := e.room(e.cfg.Bytes, minBytes)
	return p.load.records >= max(records/div, 1) && e.load.records >= allRecords/div ||
		p.load.bytes >= max(bytes/div, 1) && e.load.bytes >= allBytes/div ||
		int64(len(p.slots.open())) >= max(int64(e.cfg.Span)/div, 1)
}

// eased reports whether what all partitions have has fallen below half of what is common.
func (e *Engine[T]) eased(before load) bool {
	_, records := e.room(int64(e.cfg.Records), minRecords)
	_, bytes := e.room(e.cfg.Bytes, minBytes)
	return before.records >= records/2 && e.load.records < records/2 || before.bytes >= bytes/2 && e.load.bytes < bytes/2
}

func (p *Partition[T]) pauseIfFull() bool {
	if p.resumed == nil && p.above(1) {
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

// resumable takes the partition when it has fallen below half of its bounds.
func (p *Partition[T]) resumable() []*Partition[T] {
	if p.resumed == nil || p.above(2) {
		return nil
	}
	p.unpause()
	return []*Partition[T]{p}
}

// resumable takes all partitions that have fallen below half of their bounds.
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

package dispatch

import "context"

// The least that a partition may have in flight, however many partitions there are.
const (
	minRecords = 100
	minBytes   = 1 << 20
)

// share is a partition's part of a bound of the engine. Dividing it means that a partition
// with a stuck key leaves the others their room.
func (e *Engine[T]) share(bound, least int64) int64 {
	return max(bound/int64(max(len(e.parts), 1)), min(bound, least))
}

// above reports whether a bound of the partition is reached at 1/div of its size.
func (p *Partition[T]) above(div int64) bool {
	cfg := &p.e.cfg
	return int64(p.records) >= max(p.e.share(int64(cfg.Records), minRecords)/div, 1) ||
		p.bytes >= max(p.e.share(cfg.Bytes, minBytes)/div, 1) ||
		int64(len(p.slots.open())) >= max(int64(cfg.Span)/div, 1)
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

// resumable takes the partitions that are below half of their bounds now that these grew.
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

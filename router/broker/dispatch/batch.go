package dispatch

import (
	"slices"
	"time"
)

// runBatch fills a batch, beginning with a lane that is ready, and hands it over.
func (e *Engine[T]) runBatch(first *lane[T]) {
	f := &filling[T]{e: e, call: e.nextCall()}
	if f.fill(first); len(f.items) == 0 {
		return
	}
	call := f.call
	b := slices.Clone(f.items) // the slice belongs to the handler
	e.unlocked(func() { e.cfg.RunBatch(f.items) })
	for _, it := range b {
		it.abandon(call)
	}
}

// filling is a batch that takes items still. One worker fills at a time, so that two do not
// both wait with half a batch.
type filling[T any] struct {
	e      *Engine[T]
	call   uint64
	items  []*Item[T]
	opened []*lane[T]
	timer  *time.Timer
	over   bool // takes no more: BatchWait has passed, or a partition stops
}

func (f *filling[T]) fill(first *lane[T]) {
	f.e.filling = f
	f.add(first)
	for !f.full() {
		if l := f.e.ready.pop(); l != nil {
			f.add(l)
		} else if len(f.items) == 0 {
			break
		} else {
			f.wait()
		}
	}
	f.close()
}

func (f *filling[T]) full() bool {
	return f.over || len(f.items) >= f.e.cfg.BatchSize
}

func (f *filling[T]) add(l *lane[T]) {
	switch {
	case len(l.tasks) > 0 && l.running == 0:
		l.list(&f.e.tasks)
	case l.running == 0 || l.open: // else woken again by what runs
		f.takeRun(l)
	}
}

// takeRun takes items of a lane, in order, until the batch is full.
func (f *filling[T]) takeRun(l *lane[T]) {
	n := len(f.items)
	for len(f.items) < f.e.cfg.BatchSize {
		it := l.take(f.call)
		if it == nil {
			break
		}
		f.items = append(f.items, it)
	}
	if len(f.items) == n {
		l.wake()
	} else if !l.open {
		l.open = true
		f.opened = append(f.opened, l)
	}
}

func (f *filling[T]) wait() {
	if f.timer == nil {
		f.timer = time.AfterFunc(f.e.cfg.BatchWait, f.expire)
	}
	f.e.await(f.e.more)
}

func (f *filling[T]) expire() {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.end()
}

func (f *filling[T]) end() {
	f.over = true
	f.e.more.Signal()
}

// stop ends a batch that holds items of a partition that stops.
func (f *filling[T]) stop(p *Partition[T]) {
	if slices.ContainsFunc(f.items, func(it *Item[T]) bool { return it.l.p == p }) {
		f.end()
	}
}

func (f *filling[T]) close() {
	if f.timer != nil {
		f.timer.Stop()
	}
	for _, l := range f.opened {
		l.open = false
	}
	f.items = slices.DeleteFunc(f.items, func(it *Item[T]) bool { return it.l.p.closed })
	f.e.filling = nil
	if f.e.ready.head != nil {
		f.e.work.Signal()
	}
}

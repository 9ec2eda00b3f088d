package dispatch

import (
	"context"
	"time"
)

type state uint8

const (
	queued state = iota
	running
	released
	parking // the backend is being told
	done
	returned
)

// Entry is what a backend feeds.
type Entry[T any] struct {
	// Position grows within a partition; it may have gaps.
	Position int64
	// Key orders entries; an empty one is none. It is not kept.
	Key []byte
	// Size in bytes counts against the bound.
	Size  int
	Value T
	// Attempt, Due and FirstFailed carry on what an earlier owner parked; the zero values
	// are a first attempt, now.
	Attempt          int
	Due, FirstFailed time.Time
	// Finished marks what is known to be done: it only moves the end.
	Finished bool
}

// Item is an entry in the hands of the engine. Calls that come after its partition was lost,
// or a second time, do nothing.
type Item[T any] struct {
	Position int64
	Value    T

	l     *lane[T] // of its partition
	next  *Item[T] // behind it in its lane's queue
	retry *retry   // nil on a first attempt
	seq   int64    // its place among what the partition was fed
	call  uint64   // the call of the handler that it was last given to
	size  int32
	state state
	hold  bool
}

// retry is what an item knows that has been parked.
type retry struct {
	attempt          int
	due, firstFailed time.Time
}

// Partition returns the generation that the item belongs to.
func (it *Item[T]) Partition() *Partition[T] { return it.l.p }

// Record returns the value that was fed.
func (it *Item[T]) Record() T { return it.Value }

// Key returns the key that was fed, "" when there was none.
func (it *Item[T]) Key() string { return it.l.key }

// Attempt counts from 1.
func (it *Item[T]) Attempt() int {
	if it.retry == nil {
		return 1
	}
	return max(it.retry.attempt, 1)
}

// Due is when a parked item runs again; zero before it was parked.
func (it *Item[T]) Due() time.Time {
	if it.retry == nil {
		return time.Time{}
	}
	return it.retry.due
}

// FirstFailed is when the first attempt failed; zero before.
func (it *Item[T]) FirstFailed() time.Time {
	if it.retry == nil {
		return time.Time{}
	}
	return it.retry.firstFailed
}

// Context ends when the partition is lost or its drain ran out of time.
func (it *Item[T]) Context() context.Context { return it.l.p.ctx }

func (it *Item[T]) wait() time.Duration {
	if it.retry == nil || it.retry.due.IsZero() {
		return 0
	}
	return time.Until(it.retry.due)
}

// Release lets the next item of the key run; this one is not done yet.
func (it *Item[T]) Release() {
	e := it.l.p.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.state != running || it.l.p.closed {
		return
	}
	it.leave(released)
	it.l.p.released++
	it.l.wake()
}

// Hold stops the key of a released item until Done or Park.
func (it *Item[T]) Hold() {
	e := it.l.p.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.state == released && !it.hold {
		it.hold = true
		it.l.held++
	}
}

// Then runs f on a worker, after what runs of the key and before what waits.
func (it *Item[T]) Then(f func()) {
	e := it.l.p.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.l.p.closed {
		return
	}
	l := it.l
	if l.key != "" || !e.cfg.Unordered {
		l = it.l.p.lane([]byte(l.key)) // it may have been forgotten since
	}
	l.tasks = append(l.tasks, f)
	it.l.p.pending++
	l.wake()
}

// Done finishes the item.
func (it *Item[T]) Done() {
	e := it.l.p.e
	e.mu.Lock()
	if !it.open() {
		e.mu.Unlock()
		return
	}
	it.leave(done)
	it.l.refs--
	it.l.wake()
	resumed := it.l.p.finish(it)
	e.cfg.Moved()
	it.tell(e.cfg.Finished)
	it.l.p.checkIdle()
	e.mu.Unlock()
	e.resume(resumed)
}

// Park gives the item back, to run at due as the given attempt.
func (it *Item[T]) Park(attempt int, due, firstFailed time.Time) {
	e := it.l.p.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if !it.open() {
		return
	}
	it.retry = &retry{attempt, due, firstFailed}
	it.l.held++ // until the backend knows
	it.leave(parking)
	e.cfg.Moved()
	it.tell(e.cfg.Parked)
	it.l.held--
	if it.l.p.closed {
		return
	}
	it.state = queued
	it.l.p.count(load{queued: 1})
	it.l.queue.putBack(it)
	it.l.wake()
	it.l.p.checkIdle()
}

// open reports whether the item still waits to be ended.
func (it *Item[T]) open() bool {
	return (it.state == running || it.state == released) && !it.l.p.closed
}

// tell calls f without the lock; the partition is not idle meanwhile.
func (it *Item[T]) tell(f func(*Item[T])) {
	if f == nil {
		return
	}
	it.l.p.pending++
	it.l.p.e.unlocked(func() { f(it) })
	it.l.p.pending--
}

// Return gives the item back unfinished; its key does not go on in this generation.
func (it *Item[T]) Return() {
	e := it.l.p.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if it.open() {
		it.giveBack()
	}
}

// abandon gives back what a call did not end. It is called with the lock.
func (it *Item[T]) abandon(call uint64) {
	if it.state == running && it.call == call && !it.l.p.closed {
		it.giveBack()
	}
}

func (it *Item[T]) giveBack() {
	it.l.held++
	it.leave(returned)
	it.l.wake()
	it.l.p.checkIdle()
}

// leave ends what the item was and enters s.
func (it *Item[T]) leave(s state) {
	if it.state == running {
		it.l.running--
		it.l.p.running--
	} else {
		it.l.p.released--
	}
	if it.hold {
		it.hold = false
		it.l.held--
	}
	it.state = s
}

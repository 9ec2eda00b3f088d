package dispatch

import "time"

// lane is the line of one key: items in the order of their positions.
type lane[T any] struct {
	p     *Partition[T]
	key   string
	queue queue[T] // waiting for a worker
	tasks []func() // run before the queue goes on
	// refs counts items that are not done, running those in a handler's hands, held what
	// forbids to go on.
	refs, running, held int
	busy                bool // a worker runs a task
	open                bool // belongs to the batch that is being filled
	listed              bool
	known               bool // its partition finds it by its key
	resting             bool // remembered by its partition although it may have no items
	timer               *time.Timer
	next                *lane[T]
}

// wake lists the lane where a worker finds it, or arranges for later, or forgets it.
func (l *lane[T]) wake() {
	e := l.p.e
	switch {
	case l.listed || l.busy || l.p.closed:
	case l.running > 0 && !l.open:
	case len(l.tasks) > 0 && l.running == 0:
		l.list(&e.tasks)
	case l.held > 0 || l.p.stopped:
	case l.queue.head != nil:
		l.wakeQueue()
	case l.refs == 0:
		l.p.rest(l)
	}
}

// idle reports whether nothing speaks against forgetting the lane.
func (l *lane[T]) idle() bool {
	return l.refs == 0 && l.held == 0 && len(l.tasks) == 0 && !l.busy && !l.listed
}

func (l *lane[T]) wakeQueue() {
	wait := l.queue.head.wait()
	if wait <= 0 {
		l.list(&l.p.e.ready)
		return
	}
	l.disarm()
	l.timer = time.AfterFunc(wait, l.due)
}

func (l *lane[T]) due() {
	l.p.e.mu.Lock()
	defer l.p.e.mu.Unlock()
	l.timer = nil
	l.wake()
}

func (l *lane[T]) disarm() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

func (l *lane[T]) list(to *lanes[T]) {
	l.disarm()
	l.listed = true
	to.push(l)
	if e := l.p.e; e.filling != nil && to == &e.ready {
		e.more.Signal()
	} else {
		e.work.Signal()
	}
}

// take removes the next item that may run now for a call, nil when there is none.
func (l *lane[T]) take(call uint64) *Item[T] {
	if l.queue.head == nil || l.held > 0 || l.p.stopped || l.queue.head.wait() > 0 {
		return nil
	}
	it := l.queue.pop()
	l.p.count(load{queued: -1})
	it.state, it.call = running, call
	l.running++
	l.p.running++
	return it
}

// queue is a list of items in the order of their positions.
type queue[T any] struct{ head, tail *Item[T] }

// push adds what comes after all the others.
func (q *queue[T]) push(it *Item[T]) {
	if q.tail == nil {
		q.head = it
	} else {
		q.tail.next = it
	}
	q.tail = it
}

func (q *queue[T]) pop() *Item[T] {
	it := q.head
	if q.head = it.next; q.head == nil {
		q.tail = nil
	}
	it.next = nil
	return it
}

// putBack returns an item to its place in the order, which is near the head.
func (q *queue[T]) putBack(it *Item[T]) {
	at := &q.head
	for *at != nil && (*at).Position < it.Position {
		at = &(*at).next
	}
	if it.next = *at; it.next == nil {
		q.tail = it
	}
	*at = it
}

// lanes is a list of lanes, first in first out.
type lanes[T any] struct{ head, tail *lane[T] }

func (ls *lanes[T]) push(l *lane[T]) {
	if ls.tail == nil {
		ls.head = l
	} else {
		ls.tail.next = l
	}
	ls.tail = l
}

func (ls *lanes[T]) pop() *lane[T] {
	l := ls.head
	if l == nil {
		return nil
	}
	if ls.head = l.next; ls.head == nil {
		ls.tail = nil
	}
	l.next, l.listed = nil, false
	return l
}

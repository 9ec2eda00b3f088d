package dispatch

import "runtime"

// politeness is after how many calls a worker lets other goroutines run. Workers with fast handlers and
// much to do would occupy all processors for as long as the scheduler lets them, which is 10 ms: what
// fetches the next messages and sends results would wait, and then the workers for it.
const politeness = 32

// loop is a worker: it lives as long as the engine, so that its stack grows once.
func (e *Engine[T]) loop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n := 1; ; n++ {
		if n%politeness == 0 {
			e.unlocked(runtime.Gosched)
		}
		l, task := e.next()
		switch {
		case l == nil:
			return
		case task:
			e.runTask(l)
		case e.cfg.RunBatch != nil:
			e.runBatch(l)
		default:
			e.runOne(l)
		}
	}
}

// next waits for a lane with something to do; nil when the engine closes.
func (e *Engine[T]) next() (l *lane[T], task bool) {
	for {
		if l := e.tasks.pop(); l != nil {
			return l, true
		}
		if e.closed {
			return nil, false
		}
		if e.filling == nil {
			if l := e.ready.pop(); l != nil {
				return l, len(l.tasks) > 0 && l.running == 0
			}
		}
		e.await(e.work)
	}
}

// runOne and its kin are called with the lock and give it away while foreign code runs.
func (e *Engine[T]) runOne(l *lane[T]) {
	call := e.nextCall()
	it := l.take(call)
	if it == nil {
		l.wake()
		return
	}
	e.unlocked(func() { e.cfg.Run(it) })
	it.abandon(call)
}

func (e *Engine[T]) nextCall() uint64 {
	e.calls++
	return e.calls
}

func (e *Engine[T]) unlocked(f func()) {
	e.mu.Unlock()
	defer e.mu.Lock()
	f()
}

func (e *Engine[T]) runTask(l *lane[T]) {
	if l.p.closed {
		return
	}
	f := l.tasks[0]
	l.tasks[0] = nil
	l.tasks = l.tasks[1:]
	l.busy = true
	e.unlocked(f)
	l.busy = false
	l.p.pending--
	l.wake()
	l.p.checkIdle()
}

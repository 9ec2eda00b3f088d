package redis

// A caller that is alone writes its record itself: to hand it to the writer and to be told costs as much as the
// write. The queue stands still meanwhile, so that the order stays that of the calls.

// aloneAfter is how many writes in a row have no company before a caller counts as alone. Many callers are faster
// together: one of them that went ahead would hold up the others.
const aloneAfter = 8

// meet notes how many writes there are at once.
func (w *writer) meet(n int) {
	if w.alone++; n > 1 {
		w.alone = 0
	}
}

// enter makes the caller the one who writes. It must call sendDirect then. False when others write, or wait to, or did lately.
func (w *writer) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.direct || w.alone < aloneAfter || w.sending > 0 || len(w.queue) > 0 {
		return false
	}
	w.direct = true
	w.directs.Add(1)
	return true
}

// sendDirect tries once to write x, which may be nil. What was not answered is for the writer to repeat, before
// anything that came later.
func (w *writer) sendDirect(x *write) {
	defer w.directs.Done()
	var rest []*write
	if x != nil {
		w.taken(1)
		rest, _ = w.try([]*write{x})
	}
	if w.leave(rest) {
		w.wake()
	}
}

func (w *writer) taken(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending += n
}

// leave lets the writer go on, and reports whether it has something to do.
func (w *writer) leave(rest []*write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.direct = false
	w.meet(1 + len(w.queue))
	w.sending -= len(rest)
	w.queue = append(rest, w.queue...)
	if len(w.queue) == 0 {
		return false
	}
	w.begin()
	return true
}

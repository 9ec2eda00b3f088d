package redis

// window holds the ids of what is fed and not finished. Positions count from 0; it reaches
// from the oldest open one to the newest.
type window struct {
	first int64     // position of ids[0]
	ids   []entryID // the zero id is closed
}

// add opens the next position and returns it.
func (w *window) add(id entryID) int64 {
	w.ids = append(w.ids, id)
	return w.first + int64(len(w.ids)) - 1
}

// get returns the id of an open position.
func (w *window) get(position int64) (entryID, bool) {
	i := position - w.first
	if i < 0 || i >= int64(len(w.ids)) || w.ids[i] == (entryID{}) {
		return entryID{}, false
	}
	return w.ids[i], true
}

// remove closes a position. It reports false when that was not open.
func (w *window) remove(position int64) bool {
	if _, ok := w.get(position); !ok {
		return false
	}
	w.ids[position-w.first] = entryID{}
	n := 0
	for n < len(w.ids) && w.ids[n] == (entryID{}) {
		n++
	}
	w.ids, w.first = w.ids[n:], w.first+int64(n)
	return true
}

// all yields what is open. What it yields may be removed meanwhile.
func (w *window) all(yield func(position int64, id entryID) bool) {
	ids, first := w.ids, w.first
	for i, id := range ids {
		if id != (entryID{}) && !yield(first+int64(i), id) {
			return
		}
	}
}

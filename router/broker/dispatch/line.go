package dispatch

// slot is the place of a delivered entry. It forgets the item when that is done, so that what
// is finished behind an unfinished one takes little memory.
type slot[T any] struct {
	position int64
	it       *Item[T] // nil: done
}

// line holds the slots of what was delivered, in order, the first one unfinished. It uses its
// memory again.
type line[T any] struct {
	all  []slot[T]
	gone int // slots that are over, in front
}

// idleSlots is for how many slots a line keeps memory that it does not need any more.
const idleSlots = 4096

func (l *line[T]) open() []slot[T] { return l.all[l.gone:] }

func (l *line[T]) push(s slot[T]) {
	if len(l.all) == cap(l.all) && l.gone > len(l.all)/2 {
		n := copy(l.all, l.open())
		clear(l.all[n:])
		l.all, l.gone = l.all[:n], 0
	}
	l.all = append(l.all, s)
}

// drop ends the first n slots.
func (l *line[T]) drop(n int) {
	if l.gone += n; l.gone < len(l.all) {
		return
	}
	spare := cap(l.all)/4 > len(l.all)
	l.all, l.gone = l.all[:0], 0
	if spare && cap(l.all) > idleSlots {
		l.all = nil
	}
}

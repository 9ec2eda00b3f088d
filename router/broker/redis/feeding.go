package redis

import (
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// feeding turns the entries of one read into what the engine takes. Deleted entries are
// acknowledged; after a group was created again, so are finished ones, and those in hand are
// left alone. Its memory serves the next read.
type feeding struct {
	r       *reader
	names   names
	state   map[string]string // attempts that earlier owners noted
	history bool              // pending entries, none of which this reader was given before
	claimed bool              // entries of another member, behind what is read
	last    entryID           // fed or finished up to here

	came  int
	size  int // bytes of what is fresh
	over  []string
	ids   []entryID // of what is fresh
	fresh []dispatch.Entry[*broker.Record]
}

// begin starts with what r read.
func (f *feeding) begin(r *reader, history bool) *feeding {
	if f.names == nil {
		f.names = names{}
	}
	f.r, f.state, f.history, f.last = r, r.state, history, r.fed()
	f.came, f.size, f.over, f.ids, f.fresh = 0, 0, nil, f.ids[:0], f.fresh[:0]
	return f
}

func (f *feeding) add(en *entry) {
	f.came++
	id := parseID(string(en.id))
	switch {
	case en.fields == nil:
		f.over = append(f.over, string(en.id))
	case !f.seen(id):
		f.take(en, id)
	case !f.r.inHand(id):
		f.over = append(f.over, string(en.id))
	}
	if !f.claimed {
		f.last = later(f.last, id)
	}
}

func (f *feeding) seen(id entryID) bool {
	if f.claimed {
		return f.r.inHand(id)
	}
	return !f.history && id.compare(f.last) <= 0 || f.r.again(id)
}

func (f *feeding) take(en *entry, id entryID) {
	rec := en.record(f.r.o.in.sub.Topic, f.r.o.id, f.names)
	e := dispatch.Entry[*broker.Record]{Key: rec.Key, Size: rec.Size(), Value: rec}
	if text, ok := f.state[rec.Offset]; ok {
		a := parseAttempts(text)
		e.Attempt, e.Due, e.FirstFailed = a.attempt, a.due, a.firstFailed
		delete(f.state, rec.Offset)
	}
	f.size += e.Size
	f.ids, f.fresh = append(f.ids, id), append(f.fresh, e)
}

// feed hands over what was added and returns how many entries came.
func (f *feeding) feed() int {
	if len(f.over) > 0 {
		f.r.o.acks.add(f.over...)
	}
	f.r.opened(f)
	if len(f.fresh) > 0 {
		f.r.o.part.Feed(f.fresh...)
		clear(f.fresh) // the engine has them
	}
	return f.came
}

// opened notes what is about to be fed.
func (r *reader) opened(f *feeding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, id := range f.ids {
		f.fresh[i].Position = r.open.add(id)
	}
	if f.claimed {
		return
	}
	r.last = later(r.last, f.last)
	if n := len(f.fresh); n > 0 {
		r.avg = (r.avg + f.size/n + 1) / 2
	}
}

func later(a, b entryID) entryID {
	if a.compare(b) < 0 {
		return b
	}
	return a
}

func (r *reader) inHand(id entryID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.open.all {
		if o == id {
			return true
		}
	}
	return false
}

package router

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/leat-go/leat/router/broker"
)

// slab is the memory of records that are made one after the other. It is for one goroutine.
type slab struct {
	records []broker.Record
	headers broker.Headers
	ids     []byte
	last    uuid // of the ids, zero before the first one
	lot     *lot // where more comes from, nil for one record
}

// lot is the memory of records that are sent together. It is used again once the broker is done with all of them:
// see [broker.Producer]. Their ids are left out: who keeps a text does not expect it to change.
type lot struct {
	pool   *sync.Pool
	open   atomic.Int64 // records that the broker has
	mu     sync.Mutex
	blocks []*block
}

// blockRecords is how many records share memory: one that waits for long keeps the others.
const blockRecords = 16

type block struct {
	records [blockRecords]broker.Record
	headers [blockRecords * usualHeaders]broker.Header
}

// usualHeaders are those that leat gives a message that follows from another one, and one for what the
// broker adds, see [broker.Producer].
const usualHeaders = 5

// roomForOne is the memory of one record without its id.
type roomForOne struct {
	record  [1]broker.Record
	headers [usualHeaders]broker.Header
}

func (s *roomForOne) slab() slab { return slab{records: s.record[:], headers: s.headers[:]} }

// oneRecord is all memory of one record.
type oneRecord struct {
	roomForOne
	id [uuidLen]byte
}

func (s *oneRecord) slab() slab {
	m := s.roomForOne.slab()
	m.ids = s.id[:0]
	return m
}

func (m *slab) record() *broker.Record {
	if len(m.records) == 0 {
		m.grow()
	}
	rec := &m.records[0]
	m.records = m.records[1:]
	return rec
}

func (m *slab) grow() {
	b := m.lot.more()
	m.records, m.headers, m.ids = b.records[:], b.headers[:], make([]byte, 0, blockRecords*uuidLen)
}

func (r *Router) newLot() *lot { return &lot{pool: &r.blocks} }

// more is called by all that make records of the lot, perhaps at the same time.
func (l *lot) more() *block {
	b, ok := l.pool.Get().(*block)
	if !ok {
		b = new(block)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks = append(l.blocks, b)
	return b
}

// send is called before n records of the lot go to the broker, each of which is written some day.
func (l *lot) send(n int) { l.open.Store(int64(n)) }

// written is called when the broker has one.
func (l *lot) written() {
	if l.open.Add(-1) == 0 {
		l.free()
	}
}

// free is called when the broker is done with all.
func (l *lot) free() {
	for _, b := range l.blocks {
		*b = block{} // nothing that was sent lives longer for it
		l.pool.Put(b)
	}
	l.blocks = nil
}

// roomFor returns an empty list with room for n headers, and for one more that the broker adds.
func (m *slab) roomFor(n int) broker.Headers {
	n++
	if len(m.headers) < n {
		return make(broker.Headers, 0, n)
	}
	hs := m.headers[:0:n]
	m.headers = m.headers[n:]
	return hs
}

// id returns the text of a UUID that is new.
func (m *slab) id() string {
	if cap(m.ids)-len(m.ids) < uuidLen {
		m.ids = make([]byte, 0, uuidLen)
	}
	from := len(m.ids)
	m.ids = m.ids[:from+uuidLen]
	m.last = m.last.next()
	m.last.put(m.ids[from:])
	return unsafe.String(&m.ids[from], uuidLen) //nolint:gosec // never written again
}

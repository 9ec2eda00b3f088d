package router

import (
	"unsafe"

	"github.com/leat-go/leat/router/broker"
)

// slab is the memory of records that are made together. It is for one goroutine.
type slab struct {
	left    int // records to come
	each    int // headers of a record for which there is room
	records []broker.Record
	headers broker.Headers
	ids     []byte
	last    uuid // of the ids, zero before the first one
}

// slabRecords is how many records share memory at the most: one that waits for long keeps the
// others.
const slabRecords = 64

// usualHeaders are those that leat gives a message that follows from another one, and one for what the
// broker adds, see [broker.Producer].
const usualHeaders = 5

// newSlab is for n records with the usual headers of those that follow from a message, or of
// those that do not.
func newSlab(n int, follow bool) slab {
	m := slab{left: n, each: usualHeaders}
	if !follow {
		m.each--
	}
	return m
}

// oneRecord is the memory of one record.
type oneRecord struct {
	record  [1]broker.Record
	headers [usualHeaders]broker.Header
	id      [uuidLen]byte
}

// slab is for the one record.
func (s *oneRecord) slab() slab {
	return slab{records: s.record[:], headers: s.headers[:], ids: s.id[:0]}
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
	n := max(1, min(m.left, slabRecords))
	m.left -= n
	m.records, m.headers, m.ids = make([]broker.Record, n), make(broker.Headers, n*m.each), make([]byte, 0, n*uuidLen)
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

package router

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
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
	millis  int64 // of the ids
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
	m := slab{left: n, each: usualHeaders, millis: time.Now().UnixMilli()}
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
	return slab{records: s.record[:], headers: s.headers[:], ids: s.id[:0], millis: time.Now().UnixMilli()}
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

// id returns a UUID of version 7 (RFC 9562): milliseconds, then 74 random bits. Those come
// from the runtime's ChaCha8, several times faster than from the system; ids are no secrets.
func (m *slab) id() string {
	if cap(m.ids)-len(m.ids) < uuidLen {
		m.ids = make([]byte, 0, uuidLen)
	}
	from := len(m.ids)
	m.ids = m.ids[:from+uuidLen]
	putUUID(m.ids[from:], uint64(m.millis)<<16|7<<12|rand.Uint64()>>52, rand.Uint64()>>2|1<<63) //nolint:gosec // see above; after 1970
	return unsafe.String(&m.ids[from], uuidLen)                                                 //nolint:gosec // never written again
}

const uuidLen = 36

// putUUID writes the text of the 16 bytes of two numbers.
func putUUID(dst []byte, high, low uint64) {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	hex.Encode(dst[0:8], id[:4])
	hex.Encode(dst[9:13], id[4:6])
	hex.Encode(dst[14:18], id[6:8])
	hex.Encode(dst[19:23], id[8:10])
	hex.Encode(dst[24:36], id[10:])
	dst[8], dst[13], dst[18], dst[23] = '-', '-', '-', '-'
}

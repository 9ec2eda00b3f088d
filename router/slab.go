package router

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/leat-go/leat/router/broker"
)

// slab is the memory of records that are made together. A nil one gives each its own. It is
// for one goroutine.
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

// newSlab is for n records with the usual headers of those that follow from a message, or of
// those that do not. A slab for one is not worth its while.
func newSlab(n int, follow bool) *slab {
	if n < 2 {
		return nil
	}
	m := &slab{left: n, each: 3, millis: time.Now().UnixMilli()}
	if follow {
		m.each++
	}
	return m
}

func (m *slab) record() *broker.Record {
	if m == nil {
		return new(broker.Record)
	}
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

// roomFor returns an empty list with room for n headers.
func (m *slab) roomFor(n int) broker.Headers {
	if m == nil || len(m.headers) < n {
		return make(broker.Headers, 0, n)
	}
	hs := m.headers[:0:n]
	m.headers = m.headers[n:]
	return hs
}

// id returns a UUID of version 7 (RFC 9562): milliseconds, then 74 random bits. Those come
// from the runtime's ChaCha8, several times faster than from the system; ids are no secrets.
func (m *slab) id() string {
	if m == nil {
		m = &slab{millis: time.Now().UnixMilli()}
	}
	if cap(m.ids)-len(m.ids) < uuidLen {
		m.ids = make([]byte, 0, uuidLen)
	}
	from := len(m.ids)
	m.ids = appendUUID(m.ids, uint64(m.millis)<<16|7<<12|rand.Uint64()>>52, rand.Uint64()>>2|1<<63) //nolint:gosec // see above; after 1970
	return unsafe.String(&m.ids[from], uuidLen)                                                     //nolint:gosec // never written again
}

const uuidLen = 36

// appendUUID adds the text of the 16 bytes of two numbers.
func appendUUID(dst []byte, high, low uint64) []byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	dst = hex.AppendEncode(dst, id[:4])
	for _, part := range [...][]byte{id[4:6], id[6:8], id[8:10], id[10:]} {
		dst = hex.AppendEncode(append(dst, '-'), part)
	}
	return dst
}

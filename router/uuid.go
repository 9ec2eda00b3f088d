package router

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// uuid is a UUID of version 7 (RFC 9562): milliseconds, then 74 bits that begin at random and count (section
// 6.2, method 2). The random ones come from the runtime's ChaCha8, several times faster than from the system;
// ids are no secrets.
type uuid struct{ high, low uint64 }

const uuidLen = 36 // of the text

// next returns the one after u, or the first of another row when u is zero.
func (u uuid) next() uuid {
	const variant, counting = 1 << 63, 1<<62 - 1
	if u == (uuid{}) {
		millis := uint64(time.Now().UnixMilli())                                              // after 1970
		return uuid{millis<<16 | 7<<12 | rand.Uint64()>>52, variant | rand.Uint64()&counting} //nolint:gosec // see above
	}
	return uuid{u.high, variant | (u.low+1)&counting}
}

// put writes the text.
func (u uuid) put(dst []byte) {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], u.high)
	binary.BigEndian.PutUint64(id[8:], u.low)
	hex.Encode(dst[0:8], id[:4])
	hex.Encode(dst[9:13], id[4:6])
	hex.Encode(dst[14:18], id[6:8])
	hex.Encode(dst[19:23], id[8:10])
	hex.Encode(dst[24:36], id[10:])
	dst[8], dst[13], dst[18], dst[23] = '-', '-', '-', '-'
}

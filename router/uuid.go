package router

import (
	"encoding/binary"
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
	_ = dst[uuidLen-1]
	binary.BigEndian.PutUint64(dst, hexDigits(uint32(u.high>>32)))
	putParts(dst[8:18], uint32(u.high)) //nolint:gosec // the lower half
	putParts(dst[18:28], uint32(u.low>>32))
	binary.BigEndian.PutUint64(dst[28:], hexDigits(uint32(u.low))) //nolint:gosec // the lower half
}

// putParts writes two groups of four digits, each after a dash.
func putParts(dst []byte, n uint32) {
	digits := hexDigits(n)
	dst[0], dst[5] = '-', '-'
	binary.BigEndian.PutUint32(dst[1:], uint32(digits>>32))
	binary.BigEndian.PutUint32(dst[6:], uint32(digits)) //nolint:gosec // the lower half
}

// hexDigits returns the eight digits of n, one in each byte: encoding/hex goes from byte to byte.
func hexDigits(n uint32) uint64 {
	const each = 0x0101010101010101
	x := uint64(n)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & (0x0f * each)
	letters := (x + 6*each) >> 4 & each
	return x + '0'*each + letters*('a'-'0'-10)
}

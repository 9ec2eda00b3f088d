package avro

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	high32 = 0x80808080
	high64 = 0x8080808080808080
)

// isText is utf8.Valid, faster for the short texts without accents that are most: it looks at
// words, which overlap.
func isText(b []byte) bool {
	n := len(b)
	switch {
	case n >= 8 && n <= 16:
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[n-8:]))&high64 == 0 {
			return true
		}
	case n >= 4 && n < 8:
		if (binary.LittleEndian.Uint32(b)|binary.LittleEndian.Uint32(b[n-4:]))&high32 == 0 {
			return true
		}
	case n > 0 && n < 4:
		if b[0]|b[n/2]|b[n-1] < utf8.RuneSelf {
			return true
		}
	}
	return utf8.Valid(b)
}

// behindNumber returns the place behind the number at a place, beyond the body for one that
// does not end.
func behindNumber(body []byte, at int) int {
	if at <= len(body)-8 {
		if ends := ^binary.LittleEndian.Uint64(body[at:]) & high64; ends != 0 {
			return at + bits.TrailingZeros64(ends)/8 + 1
		}
	}
	for at < len(body) && body[at] >= utf8.RuneSelf {
		at++
	}
	return at + 1
}

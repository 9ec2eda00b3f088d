package avro

import (
	"encoding/binary"
)

// sound returns the place behind values that follow each other, gone unless every text in
// them is UTF-8 and all is well formed. It is one long function, and it repeats what over
// does, because every small message runs through it, twice where it is passed on: it takes
// half as long.
func sound(steps []step, body []byte, at, depth int) int {
	for i := range steps {
		s := &steps[i]
	again:
		if s.kind == stepText {
			n := 0
			if small(body, at) {
				n = int(body[at]) / 2
				at++
			} else if n, at = longLength(body, at); at == gone {
				return gone
			}
			if uint(n) > uint(len(body)-at) {
				return gone
			}
			if !shortASCII(body, at, n) && !isText(body[at:at+n]) {
				return gone
			}
			at += n
			continue
		}
		switch s.kind {
		case stepSkip:
			at += s.size
		case stepNumber:
			at = behindNumber(body, at)
		case stepUnion:
			n := 0
			if small(body, at) {
				n = int(body[at]) / 2
				at++
			} else if n, at = longLength(body, at); at == gone {
				return gone
			}
			if uint(n) >= uint(len(s.parts)) || depth > maxDepth {
				return gone
			}
			part := s.parts[n].steps
			if len(part) == 1 && part[0].kind <= stepText { // most are: null and one that is plain
				s = &part[0]
				goto again
			}
			at = sound(part, body, at, depth+1)
		case stepRecord:
			if depth > maxDepth {
				return gone
			}
			at = sound(s.parts[0].steps, body, at, depth+1)
		case stepArray, stepMap:
			if s.size == 0 && s.texts == 0 {
				at = soundBlocks(s, body, at, depth+1)
				break
			}
			for {
				n := 0
				if small(body, at) {
					n = int(body[at]) / 2
					at++
				} else if n, at = soundCount(body, at); at == gone {
					return gone
				}
				if n == 0 {
					break
				}
				if uint(n) > uint(len(body)-at) { // an item takes a byte at least
					return gone
				}
				if s.size > 0 {
					if at += n * s.size; at > len(body) {
						return gone
					}
					continue
				}
				for range n * s.texts {
					n := 0
					if small(body, at) {
						n = int(body[at]) / 2
						at++
					} else if n, at = longLength(body, at); at == gone {
						return gone
					}
					if uint(n) > uint(len(body)-at) {
						return gone
					}
					if !shortASCII(body, at, n) && !isText(body[at:at+n]) {
						return gone
					}
					at += n
				}
			}
		case stepBytes:
			n := 0
			if n, at = longLength(body, at); at == gone || uint(n) > uint(len(body)-at) { // a negative one is beyond, too
				return gone
			}
			at += n
		case stepText: // above
		}
		if uint(at) > uint(len(body)) { // gone is beyond, too
			return gone
		}
	}
	return at
}

// soundBlocks goes over the blocks of an array or a map whose items differ in size.
func soundBlocks(s *step, body []byte, at, depth int) int {
	if depth > maxDepth {
		return gone
	}
	item := s.parts[0].steps
	for {
		count := 0
		if small(body, at) {
			count = int(body[at]) / 2
			at++
		} else if count, at = soundCount(body, at); at == gone {
			return gone
		}
		switch {
		case count == 0:
			return at
		case uint(count) > uint(len(body)-at): // an item takes a byte at least
			return gone
		}
		for range count {
			if at = sound(item, body, at, depth); at == gone {
				return gone
			}
		}
	}
}

// soundCount reads the count of a block that may be followed by its size.
func soundCount(body []byte, at int) (count, behind int) {
	count, at = longLength(body, at)
	if at == gone || count >= 0 {
		return count, at
	}
	size, at := longLength(body, at)
	if size < 0 {
		return 0, gone
	}
	return -count, at
}

// shortASCII reports whether the n bytes at a place are at most eight and ASCII. What lies
// behind them is shifted out; near the end of the body it does not look.
func shortASCII(body []byte, at, n int) bool {
	return n <= 8 && at <= len(body)-8 && binary.LittleEndian.Uint64(body[at:])<<(64-8*n)&high64 == 0
}

// small reports whether a length or a count takes a byte and is not negative, as most do. No
// place is negative.
func small(body []byte, at int) bool { return uint(at) < uint(len(body)) && body[at]&0x81 == 0 }

package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The Avro library lets two things pass that a service must not meet: text that is not UTF-8,
// on which peers in other languages choke, and arrays in many small blocks, which it copies
// for every block: 200 KB in blocks of one item would copy 40 GB. Both are found by a walk
// over the bytes, which costs less than one over the values.
const (
	countedFrom = 4 << 10 // bytes; smaller messages cannot cost much
	maxCopies   = 4 << 20 // items copied while the arrays of one message grow
	maxDepth    = 1000    // as the Avro library has it
)

// judge walks over a body. It returns an error for one that must not be decoded, and whether
// every text in it is known to be UTF-8. Bytes that are malformed in another way are left to
// the decoder, which ends at the same place.
func (l *layout) judge(body []byte) (text bool, err error) {
	if len(body) < countedFrom {
		return sound(l.text, body, 0, 0) != gone, nil
	}
	return l.count(body)
}

func (l *layout) count(body []byte) (text bool, err error) {
	w := walk{body: body}
	end := w.over(l.steps, 0, 0)
	return !w.doubtful && end != gone, w.err
}

// walk goes over a body without making values of it. Places are counted in bytes from its
// start; one that is malformed is followed by the place gone.
type walk struct {
	body     []byte
	copies   int
	doubtful bool // a text is not UTF-8, or a block says something else of its size
	err      error
}

const gone = -1

// over goes over values that follow each other and returns the place behind them. It is one
// long function because every message runs through it, twice where it is passed on.
func (w *walk) over(steps []step, at, depth int) int {
	body := w.body
	for i := range steps {
		s := &steps[i]
		switch s.kind {
		case stepSkip:
			at += s.size
		case stepNumber:
			at = behindNumber(body, at)
		case stepBytes, stepText:
			n := 0
			if small(body, at) {
				n = int(body[at]) / 2
				at++
			} else if n, at = w.length(at); at == gone {
				return gone
			}
			if uint(n) > uint(len(body)-at) { // a negative length is beyond, too
				return gone
			}
			if s.kind == stepText && !isText(body[at:at+n]) {
				w.doubtful = true
			}
			at += n
		case stepUnion:
			n := 0
			if n, at = w.length(at); at == gone || uint(n) >= uint(len(s.parts)) || depth > maxDepth { // as above
				return gone
			}
			at = w.over(s.parts[n].steps, at, depth+1)
		case stepRecord:
			if depth > maxDepth {
				return gone
			}
			at = w.over(s.parts[0].steps, at, depth+1)
		case stepArray, stepMap:
			if at = w.blocks(s, at, depth+1); at == gone {
				return gone
			}
		}
		if uint(at) > uint(len(body)) { // gone is beyond, too
			return gone
		}
	}
	return at
}

// length reads a number that is not large.
func (w *walk) length(at int) (n, behind int) {
	if at < len(w.body) && w.body[at] < 0x80 {
		n = int(w.body[at])
		return n>>1 ^ -(n & 1), at + 1
	}
	return longLength(w.body, at)
}

func longLength(body []byte, at int) (n, behind int) {
	long, length := binary.Varint(body[at:])
	if length <= 0 {
		return 0, gone
	}
	return int(long), at + length
}

// blocks goes over those of an array or a map.
func (w *walk) blocks(s *step, at, depth int) int {
	if depth > maxDepth {
		return gone
	}
	for items := 0; ; {
		count, start := w.length(at)
		size := gone
		if count < 0 && start != gone {
			size, start = w.length(start)
			w.doubtful = w.doubtful || size < 0
			count = -count
		}
		if count == 0 || start == gone {
			return start
		}
		if uint(count) > uint(len(w.body)-start) { // MinInt64 stays negative and is beyond, too
			return gone
		}
		if at = w.items(s, count, start, depth); at == gone {
			return gone
		}
		if size >= 0 && at-start != size {
			w.err = fmt.Errorf("a block of %d bytes says that it has %d", at-start, size)
			return gone
		}
		if s.kind == stepArray {
			w.copies += items
		}
		if w.copies > maxCopies {
			w.err = errors.New("an array comes in too many small blocks")
			return gone
		}
		items += count
	}
}

func (w *walk) items(s *step, count, at, depth int) int {
	if s.size > 0 {
		if at += count * s.size; at > len(w.body) {
			return gone
		}
		return at
	}
	item := s.parts[0].steps
	for range count {
		if at = w.over(item, at, depth); at == gone {
			return gone
		}
	}
	return at
}

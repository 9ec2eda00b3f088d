package avro

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/avro"
)

// The Avro library copies an array for every block that it grows by: 200 KB in blocks of one
// item would copy 40 GB. So the blocks of large messages are counted first.
const (
	countedFrom = 4 << 10 // bytes; smaller messages cannot cost much
	maxCopies   = 4 << 20 // items copied while the arrays of one message grow
	maxDepth    = 1000    // as the Avro library has it
)

// shape says how values of a schema lie in the bytes.
type shape struct {
	kind  shapeKind
	size  int      // of a fixed
	parts []*shape // of a record or a union; one of an array or a map
}

type shapeKind byte

const (
	shapeFixed shapeKind = iota
	shapeNumber
	shapeBytes
	shapeArray
	shapeMap
	shapeUnion
	shapeRecord
)

// shapes makes the shape of every type once, since types may hold themselves.
type shapes struct {
	types  map[string]*avro.SchemaNode
	made   map[*avro.SchemaNode]*shape
	arrays bool
}

// shapeOf returns the shape of s, nil when there is no array in it.
func shapeOf(s *avro.Schema) *shape {
	root := s.Root()
	all := shapes{types: map[string]*avro.SchemaNode{}, made: map[*avro.SchemaNode]*shape{}}
	index(root, all.types)
	if out := all.of(root, ""); all.arrays {
		return out
	}
	return nil
}

var plainShapes = map[string]shape{
	"null": {kind: shapeFixed}, "boolean": {kind: shapeFixed, size: 1},
	"float": {kind: shapeFixed, size: 4}, "double": {kind: shapeFixed, size: 8},
	"int": {kind: shapeNumber}, "long": {kind: shapeNumber}, "enum": {kind: shapeNumber},
	"string": {kind: shapeBytes}, "bytes": {kind: shapeBytes},
}

func (all *shapes) of(n *avro.SchemaNode, ns string) *shape {
	n, ns = lookUp(n, ns, all.types)
	if made := all.made[n]; made != nil {
		return made
	}
	out := &shape{}
	all.made[n] = out
	switch n.Type {
	case "array":
		all.arrays = true
		*out = shape{kind: shapeArray, parts: []*shape{all.of(n.Items, ns)}}
	case "map":
		*out = shape{kind: shapeMap, parts: []*shape{all.of(n.Values, ns)}}
	case "union":
		out.kind = shapeUnion
		for i := range n.Branches {
			out.parts = append(out.parts, all.of(&n.Branches[i], ns))
		}
	case "record", "error":
		out.kind = shapeRecord
		for i := range n.Fields {
			out.parts = append(out.parts, all.of(&n.Fields[i].Type, ns))
		}
	case "fixed":
		out.size = n.Size
	default:
		*out = plainShapes[n.Type]
	}
	return out
}

// checkBlocks returns an error for arrays in too many blocks. Bytes that are malformed in
// another way are left to the decoder, which ends at the same place.
func (s *shape) checkBlocks(body []byte) error {
	if s == nil {
		return nil
	}
	w := walk{rest: body}
	if err := w.value(s, 0); !errors.Is(err, errMalformedBody) {
		return err
	}
	return nil
}

var errMalformedBody = errors.New("malformed")

// walk goes over a body without making values of it.
type walk struct {
	rest   []byte
	copies int
}

func (w *walk) value(s *shape, depth int) error {
	switch {
	case depth > maxDepth:
		return errMalformedBody
	case s.kind == shapeArray, s.kind == shapeMap:
		return w.blocks(s, depth)
	case s.kind == shapeRecord:
		for _, part := range s.parts {
			if err := w.value(part, depth+1); err != nil {
				return err
			}
		}
		return nil
	case s.kind == shapeFixed:
		return w.skip(int64(s.size))
	}
	n, err := w.number()
	switch {
	case err != nil || s.kind == shapeNumber:
		return err
	case s.kind == shapeBytes:
		return w.skip(n)
	case n < 0 || n >= int64(len(s.parts)):
		return errMalformedBody
	}
	return w.value(s.parts[n], depth+1)
}

func (w *walk) skip(n int64) error {
	if n < 0 || n > int64(len(w.rest)) {
		return errMalformedBody
	}
	w.rest = w.rest[n:]
	return nil
}

func (w *walk) number() (int64, error) {
	n, length := binary.Varint(w.rest)
	if length <= 0 {
		return 0, errMalformedBody
	}
	w.rest = w.rest[length:]
	return n, nil
}

func (w *walk) blocks(s *shape, depth int) error {
	for items := 0; ; {
		count, err := w.block(s, depth)
		if err != nil || count == 0 {
			return err
		}
		if s.kind == shapeArray {
			w.copies += items
		}
		if w.copies > maxCopies {
			return errors.New("an array comes in too many small blocks")
		}
		items += count
	}
}

// block goes over one block and returns how many items it has.
func (w *walk) block(s *shape, depth int) (int, error) {
	count, err := w.number()
	if err != nil || count == 0 {
		return 0, err
	}
	size := int64(-1)
	if count < 0 {
		if size, err = w.number(); err != nil {
			return 0, err
		}
		count = -count
	}
	if count < 0 || count > int64(len(w.rest)) {
		return 0, errMalformedBody
	}
	before := len(w.rest)
	if err := w.items(s, int(count), depth); err != nil {
		return 0, err
	}
	if got := int64(before - len(w.rest)); size >= 0 && got != size {
		return 0, fmt.Errorf("a block of %d bytes says that it has %d", got, size)
	}
	return int(count), nil
}

func (w *walk) items(s *shape, count, depth int) error {
	for range count {
		if s.kind == shapeMap {
			n, err := w.number()
			if err == nil {
				err = w.skip(n)
			}
			if err != nil {
				return err
			}
		}
		if err := w.value(s.parts[0], depth+1); err != nil {
			return err
		}
	}
	return nil
}

package redis

import (
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/leat-go/leat/router/broker"
)

// Metadata is a msgpack map of strings, as watermill-redisstream writes it. What cannot be
// said in a map is a list of names and bytes in turns.

// fewHeaders is how many are compared with each other rather than put into a map.
const fewHeaders = 16

// mapHolds reports whether a map expresses the headers without loss.
func mapHolds(hs broker.Headers) bool {
	for i, h := range hs {
		if h.Value == nil || reserved(h.Key) || i < fewHeaders && repeats(hs[:i], h.Key) {
			return false
		}
	}
	return len(hs) <= fewHeaders || len(hs.Map()) == len(hs)
}

func repeats(hs broker.Headers, key string) bool {
	for _, h := range hs {
		if h.Key == key {
			return true
		}
	}
	return false
}

// encodeMetadata writes a map in the order of the headers; plain says that it holds them.
func encodeMetadata(r *broker.Record, plain bool) []byte {
	hs := r.Headers
	if !plain {
		hs = mappable(hs)
	}
	n := len(hs) + ownPairs(r)
	if n == 0 {
		return []byte{}
	}
	b := make([]byte, 0, sizeOf(r, hs))
	b = appendOwn(msgp.AppendMapHeader(b, length(n)), r)
	for _, h := range hs {
		b = msgp.AppendStringFromBytes(msgp.AppendString(b, h.Key), h.Value)
	}
	return b
}

// mappable returns what a map can hold: of repeated headers the last value, in the place of
// the first.
func mappable(hs broker.Headers) broker.Headers {
	last := hs.Map()
	out := make(broker.Headers, 0, len(hs))
	for _, h := range hs {
		if v, ok := last[h.Key]; ok && !reserved(h.Key) {
			out = append(out, broker.Header{Key: h.Key, Value: []byte(v)})
			delete(last, h.Key)
		}
	}
	return out
}

func ownPairs(r *broker.Record) (n int) {
	if r.Key != nil {
		n++
	}
	if r.Value == nil {
		n++
	}
	if !r.Time.IsZero() {
		n++
	}
	return n
}

func appendOwn(b []byte, r *broker.Record) []byte {
	if r.Key != nil {
		b = msgp.AppendStringFromBytes(msgp.AppendString(b, metaKey), r.Key)
	}
	if r.Value == nil {
		b = msgp.AppendString(msgp.AppendString(b, metaTombstone), "true")
	}
	if !r.Time.IsZero() {
		b = msgp.AppendString(msgp.AppendString(b, metaTime), r.Time.UTC().Format(time.RFC3339Nano))
	}
	return b
}

// prefix is the most that msgpack puts before a string.
const prefix = 5

// sizeOf is room enough for metadata.
func sizeOf(r *broker.Record, hs broker.Headers) int {
	n := prefix
	if r.Key != nil {
		n += 2*prefix + len(metaKey) + len(r.Key)
	}
	if r.Value == nil {
		n += 2*prefix + len(metaTombstone) + len("true")
	}
	if !r.Time.IsZero() {
		n += 2*prefix + len(metaTime) + len(time.RFC3339Nano)
	}
	for _, h := range hs {
		n += 2*prefix + len(h.Key) + len(h.Value)
	}
	return n
}

func length(n int) uint32 { return uint32(n) } //nolint:gosec // headers fit into an entry, which the server bounds

func encodeList(hs broker.Headers) []byte {
	b := msgp.AppendArrayHeader(nil, length(2*len(hs)))
	for _, h := range hs {
		b = msgp.AppendString(b, h.Key)
		if h.Value == nil {
			b = msgp.AppendNil(b)
		} else {
			b = msgp.AppendBytes(b, h.Value)
		}
	}
	return b
}

// decodeMetadata reads metadata in the order it was written, nothing when it is malformed.
// The record keeps parts of b.
func decodeMetadata(r *broker.Record, b []byte, names names) {
	if len(b) == 0 {
		return
	}
	before := *r
	if !readPairs(r, b, names) {
		*r = before
	}
}

func readPairs(r *broker.Record, b []byte, names names) bool {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil || int64(n) > int64(len(b)/2) {
		return false
	}
	r.Headers = make(broker.Headers, 0, min(n, 4*fewHeaders)) // n may be a lie
	for range n {
		var key, value []byte
		ok := false
		if key, b, ok = readString(b); !ok {
			return false
		}
		if value, b, ok = readString(b); !ok {
			return false
		}
		if value == nil {
			value = []byte{}
		}
		take(r, key, value, names)
	}
	if len(r.Headers) == 0 {
		r.Headers = nil
	}
	return true
}

func decodeList(b []byte, names names) (hs broker.Headers, ok bool) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || int64(n) > int64(len(b)) || n%2 != 0 {
		return nil, false
	}
	for range n / 2 {
		var key, value []byte
		if key, b, ok = readString(b); !ok {
			return nil, false
		}
		if value, b, ok = readString(b); !ok {
			return nil, false
		}
		hs = append(hs, broker.Header{Key: names.of(key), Value: value})
	}
	return hs, true
}

// readString reads a string or bytes, whichever a producer chose, as a part of b; nil is nil.
func readString(b []byte) (text, rest []byte, ok bool) {
	var err error
	switch msgp.NextType(b) {
	case msgp.StrType:
		text, rest, err = msgp.ReadStringZC(b)
	case msgp.BinType:
		text, rest, err = msgp.ReadBytesZC(b)
	case msgp.NilType:
		rest, err = msgp.ReadNilBytes(b)
	default:
		return nil, nil, false
	}
	return slices.Clip(text), rest, err == nil
}

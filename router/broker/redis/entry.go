package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/vmihailenco/msgpack"

	"github.com/leat-go/leat/router/broker"
)

// The fields of an entry: those of watermill-redisstream, and one of ours that others ignore.
const (
	fieldID       = "_watermill_message_uuid"
	fieldMetadata = "metadata"
	fieldPayload  = "payload"
	fieldHeaders  = "leat-headers" // the headers that a map cannot express
)

// Metadata for what an entry has no field for. Headers never show them.
const (
	metaKey       = "leat-key"
	metaTombstone = "leat-tombstone"
	metaTime      = "leat-time"
)

func reserved(header string) bool {
	return header == metaKey || header == metaTombstone || header == metaTime
}

// encode returns fields and values of the entry of a record, in turns.
func encode(r *broker.Record) []any {
	values := []any{fieldID, r.ID, fieldMetadata, encodeMetadata(r), fieldPayload, r.Value}
	if r.Value == nil {
		values[5] = ""
	}
	if !mapHolds(r.Headers) {
		values = append(values, fieldHeaders, encodeList(r.Headers))
	}
	return values
}

// mapHolds reports whether a map expresses the headers without loss.
func mapHolds(hs broker.Headers) bool {
	seen := make(map[string]struct{}, len(hs))
	for _, h := range hs {
		if _, twice := seen[h.Key]; twice || h.Value == nil || reserved(h.Key) {
			return false
		}
		seen[h.Key] = struct{}{}
	}
	return true
}

// encodeMetadata writes a msgpack map of strings, in the order of the headers.
func encodeMetadata(r *broker.Record) []byte {
	pairs := ownMetadata(r)
	last := r.Headers.Map()
	for _, h := range r.Headers {
		if v, ok := last[h.Key]; ok && !reserved(h.Key) {
			pairs = append(pairs, pair{h.Key, v})
			delete(last, h.Key)
		}
	}
	if len(pairs) == 0 {
		return []byte{}
	}
	return encodePairs(pairs)
}

type pair struct{ key, value string }

func ownMetadata(r *broker.Record) (ps []pair) {
	if r.Key != nil {
		ps = append(ps, pair{metaKey, string(r.Key)})
	}
	if r.Value == nil {
		ps = append(ps, pair{metaTombstone, "true"})
	}
	if !r.Time.IsZero() {
		ps = append(ps, pair{metaTime, r.Time.UTC().Format(time.RFC3339Nano)})
	}
	return ps
}

// Writing msgpack into memory cannot fail, so the encoders' errors are no news.
func encodePairs(ps []pair) []byte {
	var buf bytes.Buffer
	e := msgpack.NewEncoder(&buf)
	_ = e.EncodeMapLen(len(ps))
	for _, p := range ps {
		_ = e.EncodeString(p.key)
		_ = e.EncodeString(p.value)
	}
	return buf.Bytes()
}

func encodeList(hs broker.Headers) []byte {
	var buf bytes.Buffer
	e := msgpack.NewEncoder(&buf)
	_ = e.EncodeArrayLen(2 * len(hs))
	for _, h := range hs {
		_ = e.EncodeString(h.Key)
		_ = e.EncodeBytes(h.Value)
	}
	return buf.Bytes()
}

// entry is an entry as the server sent it; values is nil when it was deleted.
type entry struct {
	id     string
	values map[string]string
}

// record returns the record of an entry. It never fails: what cannot be read is left out.
func (en entry) record(topic string, partition int32) *broker.Record {
	r := &broker.Record{Topic: topic, Partition: partition, Offset: en.id, Time: parseID(en.id).time()}
	id, ours := en.values[fieldID]
	if !ours {
		r.Value = en.object()
		return r
	}
	r.ID, r.Value = id, []byte(en.values[fieldPayload])
	for _, p := range decodePairs(en.values[fieldMetadata]) {
		take(r, p)
	}
	if raw, ok := en.values[fieldHeaders]; ok {
		if hs, err := decodeList(raw); err == nil {
			r.Headers = hs
		}
	}
	return r
}

// object is what a foreign producer wrote, as JSON.
func (en entry) object() []byte {
	b, err := json.Marshal(en.values)
	if err != nil {
		return []byte("{}")
	}
	return b
}

// take puts one pair of metadata where it belongs.
func take(r *broker.Record, p pair) {
	switch p.key {
	case metaKey:
		r.Key = []byte(p.value)
	case metaTombstone:
		r.Value = nil
	case metaTime:
		if t, err := time.Parse(time.RFC3339Nano, p.value); err == nil {
			r.Time = t
		}
	default:
		r.Headers = append(r.Headers, broker.Header{Key: p.key, Value: []byte(p.value)})
	}
}

// decodePairs reads metadata in the order it was written, nothing when it is malformed.
func decodePairs(s string) []pair {
	if s == "" {
		return nil
	}
	ps, err := readPairs([]byte(s))
	if err != nil {
		return nil
	}
	return ps
}

var errMalformed = errors.New("malformed metadata")

func readPairs(b []byte) ([]pair, error) {
	d := msgpack.NewDecoder(bytes.NewReader(b))
	n, err := d.DecodeMapLen()
	if err != nil || n > len(b)/2 {
		return nil, errMalformed
	}
	var ps []pair
	for range n {
		k, err := d.DecodeString()
		if err != nil {
			return nil, err
		}
		v, err := d.DecodeString()
		if err != nil {
			return nil, err
		}
		ps = append(ps, pair{k, v})
	}
	return ps, nil
}

func decodeList(s string) (broker.Headers, error) {
	d := msgpack.NewDecoder(bytes.NewReader([]byte(s)))
	n, err := d.DecodeArrayLen()
	if err != nil || n > len(s) || n%2 != 0 {
		return nil, errMalformed
	}
	var hs broker.Headers
	for range n / 2 {
		k, err := d.DecodeString()
		if err != nil {
			return nil, err
		}
		v, err := d.DecodeBytes()
		if err != nil {
			return nil, err
		}
		hs = append(hs, broker.Header{Key: k, Value: v})
	}
	return hs, nil
}

package redis

import (
	"encoding/json"
	"time"

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
	values := make([]any, 0, 8)
	return appendEntry(values, r)
}

// appendEntry appends fields and values of the entry of a record. The id is handed over by
// its address, which spares a copy; it must not change before the entry is written.
func appendEntry(dst []any, r *broker.Record) []any {
	plain := mapHolds(r.Headers)
	dst = append(dst, fieldID, r.ID, fieldMetadata, encodeMetadata(r, plain), fieldPayload, payloadOf(r))
	if !plain {
		dst = append(dst, fieldHeaders, encodeList(r.Headers))
	}
	return dst
}

func payloadOf(r *broker.Record) any {
	if r.Value == nil {
		return ""
	}
	return r.Value
}

// entry is an entry as the server sent it: fields and values in turns, nil when it was
// deleted. The bytes may belong to a page.
type entry struct {
	id     []byte
	fields [][]byte
}

// record returns the record of an entry, which shares no memory with it. It never fails:
// what cannot be read is left out. names may be nil.
func (en *entry) record(topic string, partition int32, names names) *broker.Record {
	r := &broker.Record{Topic: topic, Partition: partition, Offset: string(en.id)}
	r.Time = parseID(r.Offset).time()
	var payload, metadata, headers []byte
	ours := false
	for i := 0; i+1 < len(en.fields); i += 2 {
		switch v := en.fields[i+1]; string(en.fields[i]) {
		case fieldID:
			ours, r.ID = true, string(v)
		case fieldPayload:
			payload = v
		case fieldMetadata:
			metadata = v
		case fieldHeaders:
			headers = v
		}
	}
	if !ours {
		r.Value = en.object()
		return r
	}
	own := make([]byte, 0, len(payload)+len(metadata)+len(headers))
	own = append(append(append(own, payload...), metadata...), headers...)
	p, m := len(payload), len(payload)+len(metadata)
	r.Value = own[:p:p]
	decodeMetadata(r, own[p:m:m], names)
	if len(headers) > 0 {
		if hs, ok := decodeList(own[m:], names); ok {
			r.Headers = hs
		}
	}
	return r
}

// object is what a foreign producer wrote, as JSON.
func (en *entry) object() []byte {
	m := make(map[string]string, len(en.fields)/2)
	for i := 0; i+1 < len(en.fields); i += 2 {
		m[string(en.fields[i])] = string(en.fields[i+1])
	}
	b, err := json.Marshal(m)
	if err != nil {
		return []byte("{}")
	}
	return b
}

// take puts one pair of metadata where it belongs.
func take(r *broker.Record, key, value []byte, names names) {
	switch string(key) {
	case metaKey:
		r.Key = value
	case metaTombstone:
		r.Value = nil
	case metaTime:
		if t, err := time.Parse(time.RFC3339Nano, string(value)); err == nil {
			r.Time = t
		}
	default:
		r.Headers = append(r.Headers, broker.Header{Key: names.of(key), Value: value})
	}
}

// names are the names of headers that were seen: every message repeats them.
type names map[string]string

// maxNames bounds what headers with made-up names leave behind.
const maxNames = 256

func (ns names) of(name []byte) string {
	if s, ok := ns[string(name)]; ok {
		return s
	}
	s := string(name)
	if ns != nil && len(ns) < maxNames {
		ns[s] = s
	}
	return s
}

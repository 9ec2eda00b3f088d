package kafka

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// idHeader carries the id of a record, as Watermill's own Kafka adapter has it.
const idHeader = "_watermill_message_uuid"

// toHeaders are the headers of r and its id, last, in the room behind them where there is some: see
// broker.Producer. Making another list costs 240 bytes for a result.
func toHeaders(r *broker.Record) []kgo.RecordHeader {
	hs := theirs(r.Headers)
	if r.ID == "" {
		return hs
	}
	if slices.ContainsFunc(hs, isID) {
		hs = slices.DeleteFunc(slices.Clone(hs), isID)
	}
	return append(hs, kgo.RecordHeader{Key: idHeader, Value: viewOf(r.ID)})
}

// theirs and ours are one list of headers in the words of the client and in those of leat.
func theirs(hs broker.Headers) []kgo.RecordHeader {
	_ = kgo.RecordHeader(broker.Header{})                                                             // compiles while the two types are the same in memory
	return unsafe.Slice((*kgo.RecordHeader)(unsafe.Pointer(unsafe.SliceData(hs))), cap(hs))[:len(hs)] //nolint:gosec // see above
}

func ours(hs []kgo.RecordHeader) broker.Headers {
	_ = broker.Header(kgo.RecordHeader{})                                                // as above
	return unsafe.Slice((*broker.Header)(unsafe.Pointer(unsafe.SliceData(hs))), len(hs)) //nolint:gosec // see above; copying costs 40 bytes a header
}

func isID(h kgo.RecordHeader) bool { return h.Key == idHeader }

// viewOf returns the bytes of s itself, which nobody writes to.
func viewOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) } //nolint:gosec // see above

// textOf returns b itself, which nobody writes to.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // see above

func fromKafka(r *kgo.Record) *broker.Record {
	rec := new(broker.Record)
	takeOver(rec, r, newOffsets(1))
	return rec
}

// takeOver makes rec what r was, and gives r back to its client. Id, key, value and headers share the
// memory of what was fetched: see detached.
func takeOver(rec *broker.Record, r *kgo.Record, o *offsets) {
	*rec = broker.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: o.text(r.Offset), ID: textOf(idOf(r.Headers)),
		Key: r.Key, Value: r.Value, Time: r.Timestamp, Headers: takeHeaders(r.Headers),
	}
	r.Recycle()
}

// takeHeaders leaves out the id, in place.
func takeHeaders(hs []kgo.RecordHeader) broker.Headers {
	if n := len(hs); n > 0 && isID(hs[n-1]) { // where leat writes it
		hs = hs[:n-1]
	}
	hs = slices.DeleteFunc(hs, isID)
	if len(hs) == 0 {
		return nil
	}
	return ours(hs)
}

// offsets writes offsets as text. They share a piece of memory.
type offsets struct{ all strings.Builder }

// newOffsets has room for those of n records; it grows when asked for more.
func newOffsets(n int) *offsets {
	const usual = 12
	o := new(offsets)
	o.all.Grow(n * usual)
	return o
}

func (o *offsets) text(n int64) string {
	var digits [20]byte
	from := o.all.Len()
	o.all.Write(strconv.AppendInt(digits[:0], n, 10))
	return o.all.String()[from:]
}

// idOf returns the last id among headers, nil without one.
func idOf(hs []kgo.RecordHeader) []byte {
	for _, h := range slices.Backward(hs) {
		if isID(h) {
			return h.Value
		}
	}
	return nil
}

// fromHeaders leaves from as it is.
func fromHeaders(from []kgo.RecordHeader) (id string, hs broker.Headers) {
	return string(idOf(from)), takeHeaders(slices.Clone(from))
}

// receipt writes the offset into room, where there is some.
func receipt(r *kgo.Record, room []byte) broker.Receipt {
	return broker.Receipt{Topic: r.Topic, Partition: r.Partition, Offset: textOf(strconv.AppendInt(room, r.Offset, 10)), Time: r.Timestamp}
}

// size is what a record counts against the bounds.
func size(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// detached is a copy that keeps alive nothing but itself: a record as it was fetched shares
// its memory with the whole batch, which a message that waits for a retry would hold for long.
func detached(r *broker.Record) *broker.Record {
	d := *r
	d.Offset, d.ID = strings.Clone(r.Offset), strings.Clone(r.ID)
	d.Key, d.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	d.Headers = make(broker.Headers, len(r.Headers))
	for i, h := range r.Headers {
		d.Headers[i] = broker.Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return &d
}

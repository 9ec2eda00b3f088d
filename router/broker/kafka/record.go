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

func toHeaders(r *broker.Record) []kgo.RecordHeader {
	if r.ID == "" && len(r.Headers) == 0 {
		return nil
	}
	return addHeaders(make([]kgo.RecordHeader, 0, len(r.Headers)+1), r, []byte(r.ID))
}

// addHeaders adds those of r, its id first.
func addHeaders(hs []kgo.RecordHeader, r *broker.Record, id []byte) []kgo.RecordHeader {
	if len(id) > 0 {
		hs = append(hs, kgo.RecordHeader{Key: idHeader, Value: id})
	}
	for i := range r.Headers {
		if r.Headers[i].Key != idHeader || len(id) == 0 {
			hs = append(hs, kgo.RecordHeader(r.Headers[i]))
		}
	}
	return hs
}

func fromKafka(r *kgo.Record) *broker.Record {
	rec := new(broker.Record)
	takeOver(rec, r, newTexts(1))
	return rec
}

// takeOver makes rec what r was. It takes the headers away from r, and key and value share the
// memory of what was fetched: see detached.
func takeOver(rec *broker.Record, r *kgo.Record, t *texts) {
	*rec = broker.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: t.number(r.Offset), ID: t.copy(idOf(r.Headers)),
		Key: r.Key, Value: r.Value, Time: r.Timestamp, Headers: takeHeaders(r.Headers),
	}
}

// takeHeaders leaves out the id, in place.
func takeHeaders(hs []kgo.RecordHeader) broker.Headers {
	if len(hs) > 0 && hs[0].Key == idHeader { // where leat writes it
		hs = hs[1:]
	}
	hs = slices.DeleteFunc(hs, func(h kgo.RecordHeader) bool { return h.Key == idHeader })
	if len(hs) == 0 {
		return nil
	}
	_ = broker.Header(hs[0])                                                             // compiles while the two types are the same in memory
	return unsafe.Slice((*broker.Header)(unsafe.Pointer(unsafe.SliceData(hs))), len(hs)) //nolint:gosec // see above; copying costs 40 bytes a header
}

// texts makes strings that share a piece of memory.
type texts struct{ all strings.Builder }

// newTexts has room for offsets and ids of n records; it grows when asked for more.
func newTexts(n int) *texts {
	const perRecord = 12 + 36 // an offset, a UUID
	t := new(texts)
	t.all.Grow(n * perRecord)
	return t
}

func (t *texts) number(n int64) string {
	var digits [20]byte
	return t.copy(strconv.AppendInt(digits[:0], n, 10))
}

func (t *texts) copy(b []byte) string {
	from := t.all.Len()
	t.all.Write(b)
	return t.all.String()[from:]
}

// idOf returns the last id among headers, nil without one.
func idOf(hs []kgo.RecordHeader) (id []byte) {
	for i := range hs {
		if hs[i].Key == idHeader {
			id = hs[i].Value
		}
	}
	return id
}

// fromHeaders leaves from as it is.
func fromHeaders(from []kgo.RecordHeader) (id string, hs broker.Headers) {
	return string(idOf(from)), takeHeaders(slices.Clone(from))
}

func receipt(r *kgo.Record) broker.Receipt {
	return broker.Receipt{Topic: r.Topic, Partition: r.Partition, Offset: strconv.FormatInt(r.Offset, 10), Time: r.Timestamp}
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

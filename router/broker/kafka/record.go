package kafka

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// idHeader carries the id of a record, as Watermill's own Kafka adapter has it.
const idHeader = "_watermill_message_uuid"

// toKafka leaves nil and empty keys and values apart, as they were.
func toKafka(r *broker.Record) *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: toHeaders(r), Timestamp: r.Time}
}

// toKafkaAll makes records that share their memory.
func toKafkaAll(rs []*broker.Record) []*kgo.Record {
	n := 0
	for _, r := range rs {
		n += len(r.Headers) + 1
	}
	hs := make([]kgo.RecordHeader, 0, n)
	all, krs := make([]kgo.Record, len(rs)), make([]*kgo.Record, len(rs))
	for i, r := range rs {
		first := len(hs)
		hs = addHeaders(hs, r)
		all[i] = kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: hs[first:len(hs):len(hs)], Timestamp: r.Time}
		krs[i] = &all[i]
	}
	return krs
}

func toHeaders(r *broker.Record) []kgo.RecordHeader {
	if r.ID == "" && len(r.Headers) == 0 {
		return nil
	}
	return addHeaders(make([]kgo.RecordHeader, 0, len(r.Headers)+1), r)
}

func addHeaders(hs []kgo.RecordHeader, r *broker.Record) []kgo.RecordHeader {
	if r.ID != "" {
		hs = append(hs, kgo.RecordHeader{Key: idHeader, Value: []byte(r.ID)})
	}
	for _, h := range r.Headers {
		if h.Key != idHeader || r.ID == "" {
			hs = append(hs, kgo.RecordHeader(h))
		}
	}
	return hs
}

func fromKafka(r *kgo.Record) *broker.Record { return fromBatch([]*kgo.Record{r})[0] }

// fromBatch turns records that were fetched together into ours. Those share pieces of memory,
// as what was fetched does: see detached.
func fromBatch(rs []*kgo.Record) []*broker.Record {
	all := make([]broker.Record, len(rs))
	recs := make([]*broker.Record, len(rs))
	headers := make(broker.Headers, 0, countHeaders(rs))
	text := textsOf(rs)
	for i, r := range rs {
		first := len(headers)
		headers = appendHeaders(headers, r.Headers)
		recs[i] = &all[i]
		all[i] = broker.Record{
			Topic: r.Topic, Partition: r.Partition, Offset: text.next(), ID: text.next(),
			Key: r.Key, Value: r.Value, Time: r.Timestamp,
		}
		if len(headers) > first {
			all[i].Headers = headers[first:len(headers):len(headers)]
		}
	}
	return recs
}

func countHeaders(rs []*kgo.Record) (n int) {
	for _, r := range rs {
		n += len(r.Headers)
	}
	return n
}

// appendHeaders leaves out the id.
func appendHeaders(hs broker.Headers, from []kgo.RecordHeader) broker.Headers {
	for i := range from {
		if from[i].Key != idHeader {
			hs = append(hs, broker.Header(from[i]))
		}
	}
	return hs
}

// texts are offsets and ids in turns, in one string.
type texts struct {
	all  string
	ends []int
	at   int
}

func textsOf(rs []*kgo.Record) *texts {
	const perRecord = 12 + 36 // an offset, a UUID
	var b strings.Builder
	b.Grow(len(rs) * perRecord)
	ends := make([]int, 0, 2*len(rs))
	var digits [20]byte
	for _, r := range rs {
		b.Write(strconv.AppendInt(digits[:0], r.Offset, 10))
		ends = append(ends, b.Len())
		b.Write(idOf(r.Headers))
		ends = append(ends, b.Len())
	}
	return &texts{all: b.String(), ends: ends}
}

func (t *texts) next() string {
	end := t.ends[0]
	s := t.all[t.at:end]
	t.at, t.ends = end, t.ends[1:]
	return s
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

func fromHeaders(from []kgo.RecordHeader) (id string, hs broker.Headers) {
	return string(idOf(from)), appendHeaders(nil, from)
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

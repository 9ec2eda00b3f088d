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

func toHeaders(r *broker.Record) []kgo.RecordHeader {
	if r.ID == "" && len(r.Headers) == 0 {
		return nil
	}
	hs := make([]kgo.RecordHeader, 0, len(r.Headers)+1)
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

func fromKafka(r *kgo.Record) *broker.Record {
	id, headers := fromHeaders(r.Headers)
	return &broker.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: strconv.FormatInt(r.Offset, 10),
		Key: r.Key, Value: r.Value, Headers: headers, Time: r.Timestamp, ID: id,
	}
}

func fromHeaders(from []kgo.RecordHeader) (id string, hs broker.Headers) {
	for i, h := range from {
		if h.Key == idHeader {
			id = string(h.Value)
			continue
		}
		if hs == nil {
			hs = make(broker.Headers, 0, len(from)-i)
		}
		hs = append(hs, broker.Header(h))
	}
	return id, hs
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
	d.Key, d.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	d.Headers = make(broker.Headers, len(r.Headers))
	for i, h := range r.Headers {
		d.Headers[i] = broker.Header{Key: strings.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return &d
}

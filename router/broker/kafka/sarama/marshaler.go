package sarama

import (
	"errors"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/stock"
)

// marshaler writes records as the default backend does.
type marshaler struct{}

func (marshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	out := stock.OutgoingFrom(m.Context())
	if out == nil {
		return nil, errors.New("not a message of leat's producer")
	}
	r := out.Record
	pm := &sarama.ProducerMessage{Topic: topic, Key: encoder(r.Key), Value: encoder(r.Value), Timestamp: timeOf(r)}
	for _, h := range kafka.ToHeaders(r) {
		pm.Headers = append(pm.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	out.Receipt = func() broker.Receipt {
		return broker.Receipt{Topic: topic, Partition: pm.Partition, Offset: strconv.FormatInt(pm.Offset, 10), Time: pm.Timestamp}
	}
	return pm, nil
}

// timeOf is the time of a record. The client would choose it too late for the receipt.
func timeOf(r *broker.Record) time.Time {
	if r.Time.IsZero() {
		return time.Now()
	}
	return r.Time
}

// encoder keeps nil, which is no key and no value, apart from empty.
func encoder(b []byte) sarama.Encoder {
	if b == nil {
		return nil
	}
	return sarama.ByteEncoder(b)
}

// unmarshaler reads any bytes: an error would stop the partition for good.
type unmarshaler struct{ *stock.Envelopes }

func (u unmarshaler) Unmarshal(m *sarama.ConsumerMessage) (*message.Message, error) {
	return u.Seal(record(m)), nil
}

func record(m *sarama.ConsumerMessage) *broker.Record {
	hs := make([]kgo.RecordHeader, len(m.Headers))
	for i, h := range m.Headers {
		hs[i] = kgo.RecordHeader{Key: string(h.Key), Value: h.Value}
	}
	id, headers := kafka.FromHeaders(hs)
	return &broker.Record{
		Topic: m.Topic, Partition: m.Partition, Offset: strconv.FormatInt(m.Offset, 10),
		Key: m.Key, Value: m.Value, Headers: headers, Time: m.Timestamp, ID: id,
	}
}

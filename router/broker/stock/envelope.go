package stock

import (
	"context"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
)

// Envelopes keep whole records beside the messages of a subscriber: Watermill's message has
// no place for keys, repeated headers and missing values. The unmarshaler of a subscriber
// seals what it reads, the reader of its channel opens it. The zero value is ready.
type Envelopes struct{ records sync.Map }

// Seal returns the message of a record.
func (e *Envelopes) Seal(r *broker.Record) *message.Message {
	m := message.NewMessage(r.ID, r.Value)
	for _, h := range r.Headers {
		m.Metadata[h.Key] = string(h.Value)
	}
	e.records.Store(m, r)
	return m
}

// Open returns the record of a message that Seal has made, once; nil for others.
func (e *Envelopes) Open(m *message.Message) *broker.Record {
	r, ok := e.records.LoadAndDelete(m)
	if !ok {
		return nil
	}
	return r.(*broker.Record) //nolint:forcetypeassert // Seal alone stores
}

// Outgoing is a record on its way through a stock publisher. The marshaler finds it in the
// context of the message, and says where the record went.
type Outgoing struct {
	Record *broker.Record
	// Receipt is called after the publisher succeeded. Default: the topic alone.
	Receipt func() broker.Receipt
}

type outgoingKey struct{}

// OutgoingFrom returns the record that the context of a message carries, nil when it is not
// from a [Producer].
func OutgoingFrom(ctx context.Context) *Outgoing {
	o, _ := ctx.Value(outgoingKey{}).(*Outgoing)
	return o
}

// message is what the stock publisher gets.
func (o *Outgoing) message() *message.Message {
	m := message.NewMessage(o.Record.ID, o.Record.Value)
	m.SetContext(context.WithValue(context.Background(), outgoingKey{}, o))
	return m
}

func (o *Outgoing) receipt() broker.Receipt {
	if o.Receipt == nil {
		return broker.Receipt{Topic: o.Record.Topic}
	}
	return o.Receipt()
}

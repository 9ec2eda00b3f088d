package bench

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-json-experiment/json"
)

// DoTyped handles an event.
func (j Job) DoTyped(_ context.Context, e Event) error {
	j.Handle(e.ID, e.At)
	return nil
}

// DoRaw handles bytes.
func (j Job) DoRaw(context.Context, []byte) error {
	j.Handle(-1, 0)
	return nil
}

// DoPlain is a Watermill handler.
func (j Job) DoPlain(m *message.Message) error {
	_, err := j.decoded(m)
	return err
}

// decoded handles a message and returns its event.
func (j Job) decoded(m *message.Message) (e Event, err error) {
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return e, err
	}
	j.Handle(e.ID, e.At)
	return e, nil
}

// decodeAll decodes the events of several messages.
func decodeAll[M any](ms []M, data func(M) []byte) ([]Event, error) {
	es := make([]Event, len(ms))
	for i, m := range ms {
		if err := json.Unmarshal(data(m), &es[i]); err != nil {
			return nil, err
		}
	}
	return es, nil
}

// DoPlainWork is a Watermill handler with a result.
func (j Job) DoPlainWork(m *message.Message) (Result, error) {
	e, err := j.decoded(m)
	return charge(e), err
}

// DoWork is a worker.
func (j Job) DoWork(_ context.Context, e Event) (Result, error) {
	j.Handle(e.ID, e.At)
	return charge(e), nil
}

// DoBatch is a batch worker.
func (j Job) DoBatch(_ context.Context, es []Event) ([]Result, error) {
	rs := make([]Result, len(es))
	for i, e := range es {
		j.Handle(e.ID, e.At)
		rs[i] = charge(e)
	}
	return rs, nil
}

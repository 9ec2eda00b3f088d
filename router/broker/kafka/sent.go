package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
)

// sent are records on their way that were handed over together, one or up to groupSize. Their memory is used again
// once the client has called all promises: by then nothing of the client looks at the records.
type sent struct {
	p       *producer
	wave    *wave
	lost    uint64 // p.lost when they were handed over
	records []sentRecord
	open    atomic.Int64 // records that are not settled
	offsets []byte       // room for the text of each one
}

// groupSize is how many records share memory at the most: one that waits for long keeps the others.
const groupSize = 32

type sentRecord struct {
	kgo.Record
	promise func(*kgo.Record, error)
	of      *sent
	i       int
	caller  caller
}

// caller is who handed a record over.
type caller struct {
	share int64 // of the producer's room
	// one is for a record alone, all for the i-th of several.
	one func(broker.Receipt, error)
	all func(i int, rc broker.Receipt, err error)
	i   int
}

func (c *caller) tell(rc broker.Receipt, err error) {
	if c.all != nil {
		c.all(c.i, rc, err)
		return
	}
	c.one(rc, err)
}

// lostAnswers counts requests with records that were not answered. It is a hook of the client, called before what
// was lost is sent again.
type lostAnswers struct{ atomic.Uint64 }

var _ kgo.HookBrokerE2E = (*lostAnswers)(nil)

// OnBrokerE2E looks at a request and its answer.
func (l *lostAnswers) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key == kmsg.Produce.Int16() && e2e.Err() != nil {
		l.Add(1)
	}
}

// offsetRoom is room for any offset as text.
const offsetRoom = 20

// newSent makes records of hs, groupSize at the most.
func (p *producer) newSent(hs []handed, w *wave, now time.Time) *sent {
	n := len(hs)
	s := p.sentBefore(n).take()
	if s == nil {
		s = makeSent(n)
	}
	s.p, s.wave, s.lost, s.records = p, w, p.lost.Load(), s.records[:n]
	s.open.Store(int64(n))
	if n > 1 {
		s.offsets = make([]byte, n*offsetRoom)
	}
	for i, h := range hs {
		s.records[i].set(h, now)
	}
	return s
}

// give hands the records to the client. Those that it is done with belong to others already, s as well.
func (s *sent) give(cl *kgo.Client) {
	records := s.records
	for i := range records {
		cl.TryProduce(context.Background(), &records[i].Record, records[i].promise)
	}
}

func makeSent(n int) *sent {
	if n > 1 {
		n = groupSize
	}
	s := &sent{records: make([]sentRecord, n)}
	for i := range s.records {
		r := &s.records[i]
		r.of, r.i, r.promise = s, i, r.settle
	}
	return s
}

// sentBefore are those whose memory n records may use.
func (p *producer) sentBefore(n int) *spare {
	if n == 1 {
		return &p.lone
	}
	return &p.together
}

// set makes r what h is, published now unless it says when. It leaves nil and empty keys and values apart, as they
// were.
func (r *sentRecord) set(h handed, now time.Time) {
	rec := h.rec
	r.caller = h.caller
	r.Record = kgo.Record{Topic: rec.Topic, Key: rec.Key, Value: rec.Value, Headers: toHeaders(rec), Timestamp: rec.Time}
	if rec.Time.IsZero() {
		r.Timestamp = now
	}
}

func (r *sentRecord) settle(rec *kgo.Record, err error) {
	s, c := r.of, r.caller
	s.p.unreserve(c.share)
	rc, err := s.p.outcome(rec, s.offsetOf(r.i), err)
	err = s.doubt(err)
	r.Record, r.caller = kgo.Record{}, caller{} // forgets what belongs to others
	s.settled()
	c.tell(rc, err)
}

// offsetOf is the room for the offset of a record, nil for one alone. It is not used again.
func (s *sent) offsetOf(i int) []byte {
	if s.offsets == nil {
		return nil
	}
	return s.offsets[i*offsetRoom : i*offsetRoom : (i+1)*offsetRoom]
}

// doubt is err, or that the record may have been written all the same when an answer was lost since it was
// handed over: what refuses it may be the answer to another try. What is too large always was.
func (s *sent) doubt(err error) error {
	if err == nil || s.lost == s.p.lost.Load() || errors.Is(err, broker.ErrTooLarge) || errors.Is(err, broker.ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("%w when an answer of the servers was lost: %w", broker.ErrOutcomeUnknown, err)
}

// settled gives the memory back after the last record.
func (s *sent) settled() {
	if s.open.Add(-1) > 0 {
		return
	}
	before := s.p.sentBefore(len(s.records))
	s.wave.settled(len(s.records))
	s.p, s.wave, s.offsets = nil, nil, nil
	before.put(s)
}

package kafka

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
)

// sent are records on their way that were handed over together, one mostly. Their memory is used again once the
// client has called all promises: by then nothing of the client looks at the records.
type sent struct {
	p     *producer
	share int64  // of the producer's room, of each record
	lost  uint64 // p.lost when they were handed over
	// one is for a record alone, all for several.
	one func(broker.Receipt, error)
	all func(int, broker.Receipt, error)

	records []sentRecord
	open    atomic.Int64 // records that are not settled
	offsets []byte       // room for the text of each one
}

type sentRecord struct {
	kgo.Record
	promise func(*kgo.Record, error)
	of      *sent
	i       int
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

// newSent has room for n records.
func (p *producer) newSent(n int, share int64) *sent {
	s := p.sentBefore(n).take()
	if s == nil || cap(s.records) < n {
		s = makeSent(n)
	}
	s.p, s.share, s.lost, s.records = p, share, p.lost.Load(), s.records[:n]
	s.open.Store(int64(n))
	if n > 1 {
		s.offsets = make([]byte, n*offsetRoom)
	}
	return s
}

func makeSent(n int) *sent {
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

// set makes r what rec is. It leaves nil and empty keys and values apart, as they were.
func (r *sentRecord) set(rec *broker.Record) {
	r.Record = kgo.Record{Topic: rec.Topic, Key: rec.Key, Value: rec.Value, Headers: toHeaders(rec), Timestamp: rec.Time}
}

func (r *sentRecord) settle(rec *kgo.Record, err error) {
	s, i := r.of, r.i
	s.p.unreserve(s.share)
	rc, err := s.p.outcome(rec, s.offsetOf(i), err)
	err = s.doubt(err)
	one, all := s.one, s.all
	r.Record = kgo.Record{} // forgets what belongs to others
	s.settled()
	if all != nil {
		all(i, rc, err)
		return
	}
	one(rc, err)
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
	s.p, s.one, s.all, s.offsets = nil, nil, nil, nil
	before.put(s)
}

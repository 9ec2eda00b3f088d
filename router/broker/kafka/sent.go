package kafka

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
)

// sent is a record on its way. Its memory is used again once the client has called the promise:
// by then nothing of the client looks at the record.
type sent struct {
	rec     kgo.Record
	promise func(*kgo.Record, error)

	p    *producer
	cost int64
	lost uint64 // p.lost when it was handed over
	done func(broker.Receipt, error)
	// all and i, when set, are in place of done.
	all func(int, broker.Receipt, error)
	i   int
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

// newSent makes a record of r. It leaves nil and empty keys and values apart, as they were.
func (p *producer) newSent(r *broker.Record, cost int64) *sent {
	s, ok := p.sents.Get().(*sent)
	if !ok {
		s = new(sent)
		s.promise = s.settle
	}
	s.p, s.cost, s.lost = p, cost, p.lost.Load()
	s.rec = kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: toHeaders(r), Timestamp: r.Time}
	return s
}

func (s *sent) settle(rec *kgo.Record, err error) {
	s.p.unreserve(s.cost)
	rc, err := s.p.outcome(rec, err)
	err = s.doubt(err)
	done, all, i := s.done, s.all, s.i
	s.release()
	if all != nil {
		all(i, rc, err)
		return
	}
	done(rc, err)
}

// doubt is err, or that the record may have been written all the same when an answer was lost since it was
// handed over: what refuses it may be the answer to another try. What is too large always was.
func (s *sent) doubt(err error) error {
	if err == nil || s.lost == s.p.lost.Load() || errors.Is(err, broker.ErrTooLarge) || errors.Is(err, broker.ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("%w when an answer of the servers was lost: %w", broker.ErrOutcomeUnknown, err)
}

// release forgets everything that belongs to others.
func (s *sent) release() {
	p := s.p
	s.rec, s.p, s.done, s.all = kgo.Record{}, nil, nil, nil
	p.sents.Put(s)
}

package brokertest

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/router/broker"
)

const (
	atTenThousand = "of ten thousand messages each comes once, unchanged and in order"
	atHandover    = "members that come and go under load get each message once, in order"
)

// rareDefects go wrong once in a while only, or only where members come and go.
var rareDefects = []defective{
	{"loses one message in a thousand", atTenThousand, seldom(1000, func(d broker.Delivery, _ func(broker.Delivery)) { d.Done() })},
	{"gives one message in a thousand twice", atTenThousand, seldom(1000, func(d broker.Delivery, inner func(broker.Delivery)) {
		inner(ghost{d.Record()})
		inner(d)
	})},
	{"runs two of a key at once, one in five hundred", atTenThousand, seldom(500, func(d broker.Delivery, inner func(broker.Delivery)) {
		d.Release()
		inner(d)
	})},
	{"lets the next of a key overtake one retry in twenty", atTenThousand, parks(20, func(d broker.Delivery, inner func(broker.Delivery), attempt int, due, failed time.Time) {
		d.Release()
		time.AfterFunc(time.Until(due), func() { inner(again{d, attempt, failed}) })
	})},
	{"forgets one retry in twenty", atTenThousand, parks(20, func(d broker.Delivery, _ func(broker.Delivery), _ int, _, _ time.Time) { d.Done() })},
	{"counts one retry in twenty wrong", atTenThousand, parks(20, func(d broker.Delivery, _ func(broker.Delivery), attempt int, due, failed time.Time) {
		d.Park(attempt+1, due, failed)
	})},
	{"drops a header of one message in a hundred", atTenThousand, changes(func(r *broker.Record) { r.Headers = r.Headers[1:] })},
	{"drops a repeated header of one message in a hundred", atTenThousand, changes(dropRepeats)},
	{"swaps headers of one message in a hundred", atTenThousand, changes(func(r *broker.Record) {
		r.Headers = broker.Headers{r.Headers[1], r.Headers[0], r.Headers[2], r.Headers[3]}
	})},
	{"makes one tombstone in five empty", atTenThousand, changes(func(r *broker.Record) { r.Value = append([]byte{}, r.Value...) })},
	{"makes one empty value in five a tombstone", atTenThousand, changes(func(r *broker.Record) {
		if len(r.Value) == 0 {
			r.Value = nil
		}
	})},
	{"cuts one value in a hundred", atTenThousand, changes(func(r *broker.Record) { r.Value = r.Value[:len(r.Value)/2] })},
	{"gives one message in a hundred the key of another", atTenThousand, changes(func(r *broker.Record) { r.Key = []byte(keyName(1)) })},
	{"gives one message in a hundred a new id", atTenThousand, changes(func(r *broker.Record) { r.ID = unique("id") })},
	{"gives one receipt in a thousand another place", atTenThousand, receiptsSeldom(1000, func(rc broker.Receipt, done func(broker.Receipt, error)) {
		rc.Offset = "7" + rc.Offset
		done(rc, nil)
	})},
	{"never tells one outcome in a thousand", atTenThousand, receiptsSeldom(1000, func(broker.Receipt, func(broker.Receipt, error)) {})},
	{"tells one outcome in a thousand twice", atTenThousand, receiptsSeldom(1000, func(rc broker.Receipt, done func(broker.Receipt, error)) {
		done(rc, nil)
		done(rc, nil)
	})},
	{"loses tombstones", atTenThousand, defect{handle: func(_ *store, d broker.Delivery, inner func(broker.Delivery)) {
		if d.Record().Value == nil {
			d.Done()
			return
		}
		inner(d)
	}}},
	{"does not read one message in a thousand", atTenThousand, defect{reads: func(rs []*broker.Record) []*broker.Record {
		return append(rs[:len(rs)/2:len(rs)/2], rs[len(rs)/2+1:]...)
	}}},

	{"gives one message in two hundred to two members", atHandover, seldomOf(200, func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		s.mu.Lock()
		other := s.handles[0]
		s.mu.Unlock()
		other(ghost{d.Record()})
		inner(d)
	})},
	{"repeats a finished message when a member has left", atHandover, defect{member: counting, handle: func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		if s.once("repeat", 1) {
			inner(ghost{d.Record()})
		}
		inner(d)
	}}},
	{"commits one message too many when a member leaves", atHandover, defect{member: counting, handle: func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		if s.once("lose", 1) {
			d.Done()
			return
		}
		inner(d)
	}}},
	{"commits one message too many at the second handover only", atHandover, defect{member: counting, handle: func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		if s.once("lose", 2) {
			d.Done()
			return
		}
		inner(d)
	}}},
	{"goes on with a key before its former owner is done", atHandover, seldomOf(300, func(_ *store, d broker.Delivery, inner func(broker.Delivery)) {
		d.Release()
		inner(d)
	})},
}

// seldom does something else with every n-th delivery.
func seldom(n int64, do func(d broker.Delivery, inner func(broker.Delivery))) defect {
	return seldomOf(n, func(_ *store, d broker.Delivery, inner func(broker.Delivery)) { do(d, inner) })
}

func seldomOf(n int64, do func(s *store, d broker.Delivery, inner func(broker.Delivery))) defect {
	var count atomic.Int64
	return defect{handle: func(s *store, d broker.Delivery, inner func(broker.Delivery)) {
		if count.Add(1)%n == 0 {
			do(s, d, inner)
			return
		}
		inner(d)
	}}
}

// parks does something else with every n-th Park.
func parks(n int64, do func(d broker.Delivery, inner func(broker.Delivery), attempt int, due, failed time.Time)) defect {
	var count atomic.Int64
	return defect{handle: func(_ *store, d broker.Delivery, inner func(broker.Delivery)) {
		inner(parking{d, func(attempt int, due, failed time.Time) {
			if count.Add(1)%n == 0 {
				do(d, inner, attempt, due, failed)
				return
			}
			d.Park(attempt, due, failed)
		}})
	}}
}

type parking struct {
	broker.Delivery
	park func(int, time.Time, time.Time)
}

func (p parking) Park(attempt int, due, failed time.Time) { p.park(attempt, due, failed) }

// again is a delivery that comes as another attempt.
type again struct {
	broker.Delivery
	attempt int
	failed  time.Time
}

func (a again) Attempt() int           { return a.attempt }
func (a again) FirstFailed() time.Time { return a.failed }

// changes does something to every hundredth record on its way in; of tombstones and empty values, every fifth.
func changes(change func(*broker.Record)) defect {
	var all, few atomic.Int64
	return defect{produce: func(r *broker.Record) {
		switch {
		case len(r.Value) == 0 && few.Add(1)%5 == 0, len(r.Value) > 0 && all.Add(1)%100 == 0:
			change(r)
		}
	}}
}

// receiptsSeldom does something else with every n-th acknowledgement.
func receiptsSeldom(n int64, do func(rc broker.Receipt, done func(broker.Receipt, error))) defect {
	var count atomic.Int64
	return defect{sends: func(p broker.Producer) broker.Producer {
		return answering{p, func(rc broker.Receipt, done func(broker.Receipt, error)) {
			if count.Add(1)%n == 0 {
				do(rc, done)
				return
			}
			done(rc, nil)
		}}
	}}
}

// answering is a producer that acknowledges in its own way.
type answering struct {
	broker.Producer
	answer func(rc broker.Receipt, done func(broker.Receipt, error))
}

func (p answering) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.Producer.Produce(ctx, r, func(rc broker.Receipt, err error) {
		if err != nil {
			done(rc, err)
			return
		}
		p.answer(rc, done)
	})
}

// counting counts the members that have left.
func counting(s *store, m broker.Member) broker.Member { return leaving{m, s, &sync.Once{}} }

type leaving struct {
	broker.Member
	s    *store
	once *sync.Once
}

func (m leaving) Close(ctx context.Context) error {
	err := m.Member.Close(ctx)
	m.once.Do(func() {
		m.s.mu.Lock()
		m.s.closes++
		m.s.mu.Unlock()
	})
	return err
}

// once is true the first time that it is asked after so many members have left.
func (s *store) once(what string, closes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marked == nil {
		s.marked = map[string]bool{}
	}
	name := what + strconv.Itoa(closes)
	first := s.closes >= closes && !s.marked[name]
	if first {
		s.marked[name] = true
	}
	return first
}

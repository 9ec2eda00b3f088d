package brokertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
)

const (
	inBatches      = "batches hold the messages of a key in order"
	outOfABatch    = "what a batch returns is left to the next owner, and nothing else"
	asBroadcast    = "a broadcast keeps order and gives again what is parked"
	outputAgain    = "a message whose output fails comes again before what follows in its key"
	publishedAsOne = "messages published together keep their order, each with its own receipt"
)

// cornerDefects concern batches, broadcasts, what is published together, and what a backend does beside its work.
var cornerDefects = []defective{
	{"drops the acknowledgements of batches", inBatches, inBatch(func(d broker.Delivery) broker.Delivery { return neverDone{d} })},
	{"handles two batches of a key at once", inBatches, inBatch(func(d broker.Delivery) broker.Delivery { d.Release(); return d })},
	{"handles more batches than asked for", inBatches, defect{group: func(g *broker.Group) { g.Subscriptions[0].Concurrency = 10 }}},
	{"finishes what a batch returns", outOfABatch, inBatch(func(d broker.Delivery) broker.Delivery { return returnIsDone{d} })},
	{"gives back the whole of a batch", outOfABatch, inBatch(func(d broker.Delivery) broker.Delivery { return neverDone{d} })},
	{"commits a batch before the handler is done", "what a batch held at a crash comes again", inBatch(func(d broker.Delivery) broker.Delivery { d.Done(); return d })},
	{"commits what is parked", "what was parked at a crash comes again", defect{deliver: func(_ *store, d broker.Delivery) broker.Delivery { return parkIsDone{d} }}},
	{"loses what a broadcast parks", asBroadcast, ofBroadcasts(func(d broker.Delivery) broker.Delivery { return parkIsDone{d} })},
	{"gives a broadcast no order", asBroadcast, ofBroadcasts(func(d broker.Delivery) broker.Delivery { return overtaken{d} })},
	{"lets keyless messages overtake one that waits", "a parked message without a key comes again before those behind it", defect{
		handle: func(_ *store, d broker.Delivery, inner func(broker.Delivery)) {
			inner(parking{d, func(attempt int, due, failed time.Time) {
				d.Release()
				time.AfterFunc(time.Until(due), func() { inner(again{d, attempt, failed}) })
			}})
		},
	}},
	{"has unordered messages wait for one that is parked", "a parked message holds up no other without a key where no order is asked for", defect{
		group: func(g *broker.Group) { g.Subscriptions[0].Unordered = false },
	}},
	{"commits the highest finished message of a partition", "of many messages what is returned comes again and nothing finished", defect{
		deliver: func(s *store, d broker.Delivery) broker.Delivery { return highWater{d, s} },
	}},
	{"gives all topics of a group the same workers", "a topic whose handlers are busy holds up no other of its group", defect{group: oneHandlerAtATime}},
	{"trims what a slow group has not read", "a slow group misses nothing that others have finished", defect{handle: trimmed(1000)}},
	{"closes all members with one", "a member that leaves takes no other of its instance with it", defect{member: closingAll()}},
	{"says that a member failed that closes", "a member that leaves takes no other of its instance with it", defect{member: func(_ *store, m broker.Member) broker.Member {
		failed := make(chan error, 1)
		failed <- errors.New("closed")
		return failing{m, failed}
	}}},
	{"holds up a partition for the span of another", "a span that is full holds up no other partition", defect{group: oneHandlerAtATime}},
	{"writes what it told its caller it did not", "a caller that gives up fails nobody else's publish", defect{sends: func(p broker.Producer) broker.Producer { return insistent{p} }}},
	{"acknowledges what is too large", "a message that is too large fails alone", defect{swallows: true}},
	{"turns around what is published together", publishedAsOne, defect{together: func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error)) {
		for i, r := range slices.Backward(rs) {
			p.Produce(context.Background(), r, func(rc broker.Receipt, err error) { done(i, rc, err) })
		}
	}}},
	{"mixes up the receipts of what is published together", publishedAsOne, defect{together: func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error)) {
		for i, r := range rs {
			p.Produce(context.Background(), r, func(rc broker.Receipt, err error) { done(len(rs)-1-i, rc, err) })
		}
	}}},
	{"loses the last of many that are published together", publishedAsOne, defect{together: func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error)) {
		for i, r := range rs[:len(rs)-1] {
			p.Produce(context.Background(), r, func(rc broker.Receipt, err error) { done(i, rc, err) })
		}
		done(len(rs)-1, broker.Receipt{Topic: rs[0].Topic, Offset: "0"}, nil)
	}}},
	{"fails all that are published together with one", "of messages published together one that is too large fails alone", defect{
		together: func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error)) {
			for i := range rs {
				done(i, broker.Receipt{}, p.Check(rs[1]))
			}
		},
	}},
	{"writes twice what it says it did not write directly", "a message that its caller writes itself is written once, in order", defect{directTwice: true}},
	{"keeps its caller's memory", "a record is left as it is, and may change once its outcome was told", defect{keeps: true}},
	{"changes its caller's record", "a record is left as it is, and may change once its outcome was told", defect{scribbles: true}},
	{"lets the next of a key overtake one whose output fails", outputAgain, defect{
		deliver: func(_ *store, d broker.Delivery) broker.Delivery { return noHold{d} },
	}},
	{"finishes what is parked for its output", outputAgain, defect{deliver: func(_ *store, d broker.Delivery) broker.Delivery { return parkIsDone{d} }}},
	{"loses outputs at Close", "Close flushes what was published", defect{sends: forgetsAtTheEnd()}},
}

// inBatch wraps the deliveries of batches.
func inBatch(wrap func(broker.Delivery) broker.Delivery) defect {
	return defect{batch: func(ds []broker.Delivery) []broker.Delivery {
		for i := range ds {
			ds[i] = wrap(ds[i])
		}
		return ds
	}}
}

// ofBroadcasts wraps the deliveries of broadcasts.
func ofBroadcasts(wrap func(broker.Delivery) broker.Delivery) defect {
	return defect{group: func(g *broker.Group) {
		if s := &g.Subscriptions[0]; g.Broadcast {
			inner := s.Handle
			s.Handle = func(d broker.Delivery) { inner(wrap(d)) }
		}
	}}
}

type parkIsDone struct{ broker.Delivery }

func (d parkIsDone) Park(int, time.Time, time.Time) { d.Done() }

// overtaken lets the next message of a key run while it waits.
type overtaken struct{ broker.Delivery }

func (d overtaken) Park(attempt int, due, failed time.Time) {
	d.Release()
	time.AfterFunc(2*time.Until(due), func() { d.Delivery.Park(attempt, time.Time{}, failed) })
}

// highWater finishes what is returned below something finished.
type highWater struct {
	broker.Delivery
	s *store
}

func (d highWater) place() string {
	return d.Record().Topic + " " + strconv.Itoa(int(d.Record().Partition))
}

func (d highWater) Done() {
	d.s.mark(d.place())
	d.Delivery.Done()
}

func (d highWater) Return() {
	d.s.mu.Lock()
	above := d.s.marked[d.place()]
	d.s.mu.Unlock()
	if above {
		d.Delivery.Done()
		return
	}
	d.Delivery.Return()
}

// oneHandlerAtATime has all handlers of a member wait for each other.
func oneHandlerAtATime(g *broker.Group) {
	var mu sync.Mutex
	for i := range g.Subscriptions {
		inner := g.Subscriptions[i].Handle
		g.Subscriptions[i].Handle = func(d broker.Delivery) {
			mu.Lock()
			defer mu.Unlock()
			inner(d)
		}
	}
}

// trimmed finishes for everybody what is more than n behind the newest that anybody had.
func trimmed(n int) func(*store, broker.Delivery, func(broker.Delivery)) {
	var mu sync.Mutex
	newest := 0
	return func(_ *store, d broker.Delivery, inner func(broker.Delivery)) {
		offset, _ := strconv.Atoi(d.Record().Offset)
		mu.Lock()
		newest = max(newest, offset)
		gone := offset < newest-n
		mu.Unlock()
		if gone {
			d.Done()
			return
		}
		inner(d)
	}
}

// closingAll closes all members of a store with any of them.
func closingAll() func(*store, broker.Member) broker.Member {
	all := &companions{}
	return func(_ *store, m broker.Member) broker.Member {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.ms = append(all.ms, m)
		return dragging{m, all}
	}
}

type companions struct {
	mu sync.Mutex
	ms []broker.Member
}

type dragging struct {
	broker.Member
	all *companions
}

func (m dragging) Close(ctx context.Context) error {
	m.all.mu.Lock()
	defer m.all.mu.Unlock()
	var errs []error
	for _, o := range m.all.ms {
		errs = append(errs, o.Close(ctx))
	}
	return errors.Join(errs...)
}

type failing struct {
	broker.Member
	failed chan error
}

func (m failing) Failed() <-chan error { return m.failed }

// insistent writes although its caller had given up.
type insistent struct{ broker.Producer }

func (p insistent) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if ctx.Err() == nil {
		p.Producer.Produce(ctx, r, done)
		return
	}
	p.Producer.Produce(context.WithoutCancel(ctx), r, func(broker.Receipt, error) {})
	done(broker.Receipt{}, ctx.Err())
}

// scribbling adds a header to what its caller has.
type scribbling struct{ broker.Producer }

func (p scribbling) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.Producer.Produce(ctx, r, done)
	r.Headers = append(r.Headers, broker.Header{Key: "id", Value: []byte(r.ID)})
}

// forgetsAtTheEnd loses the last hundred records, which nobody waited for.
func forgetsAtTheEnd() func(broker.Producer) broker.Producer {
	held := &holder{}
	return func(p broker.Producer) broker.Producer { return withholding{p, held} }
}

// asOne is a producer that takes many at once, in its own way.
type asOne struct {
	broker.Producer
	all func(p broker.Producer, rs []*broker.Record, done func(int, broker.Receipt, error))
}

func (p asOne) ProduceAll(_ context.Context, rs []*broker.Record, done func(int, broker.Receipt, error)) {
	p.all(p.Producer, rs, done)
}

// twice writes and says that it did not, every third time.
type twice struct{ broker.Producer }

func (p twice) ProduceDirect(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) bool {
	if n, _ := strconv.Atoi(string(r.Value)); n%3 == 0 {
		p.Produce(ctx, r, func(broker.Receipt, error) {})
		return false
	}
	p.Produce(ctx, r, done)
	return true
}

// swallowing acknowledges what it refuses.
type swallowing struct{ broker.Producer }

func (p swallowing) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if p.Check(r) != nil {
		done(broker.Receipt{Topic: r.Topic, Offset: "0"}, nil)
		return
	}
	p.Producer.Produce(ctx, r, done)
}

// hoarding stores the memory that its caller has.
type hoarding struct {
	broker.Producer
	b *memory.Broker
}

func (p hoarding) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	p.Producer.Produce(ctx, r, func(rc broker.Receipt, err error) {
		for _, kept := range p.b.Records(r.Topic) {
			if kept.Partition == rc.Partition && kept.Offset == rc.Offset {
				kept.Value = r.Value
			}
		}
		done(rc, err)
	})
}

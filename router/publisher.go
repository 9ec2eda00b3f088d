package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Receipt says where a published message is.
type Receipt struct {
	Topic     string
	Partition int32
	Offset    string // a number on Kafka and in memory, an entry id on Redis
	Time      time.Time
}

// Publisher publishes values on one topic. It is a value, safe for concurrent use; the zero
// one answers ErrNotDeclared.
type Publisher[T any] struct {
	r    *Router
	t    topics.Topic[T]
	spec *topics.Spec
	opts []SendOption

	form form
}

// NewPublisher declares that the service publishes on t and returns what does so.
func NewPublisher[T any](r *Router, t topics.Topic[T]) Publisher[T] {
	s := r.declareOut(t.Spec())
	return Publisher[T]{r: r, t: t, spec: &s, form: formOf[T](r, &s)}
}

// Publish returns when the broker has all values. An invalid value or one that cannot be
// encoded is an error and nothing is sent. Any error is a *PublishError that says which
// values were written, refused, or of unknown fate. Within a handler, with its ctx, what is
// published is part of the message: that is done only when this is acknowledged.
func (p Publisher[T]) Publish(ctx context.Context, vs ...T) error {
	if p.r == nil {
		return ErrNotDeclared
	}
	if len(vs) == 1 {
		w := p.r.newLone()
		if err := p.prepare(&w.sending, &vs[0]); err != nil {
			return allFailed(p.spec.Name, 1, err)
		}
		_, err := p.r.publishOne(ctx, p.spec, w)
		return err
	}
	_, err := p.r.publish(ctx, p.spec, len(vs), func(i int, o *sending) error { return p.prepare(o, &vs[i]) })
	return err
}

// PublishAsync hands v over and returns. done, which may be nil, learns how it ended, from
// another goroutine, and must not block; failures are counted and logged all the same.
func (p Publisher[T]) PublishAsync(ctx context.Context, v T, done func(Receipt, error)) {
	if p.r == nil {
		if done != nil {
			done(Receipt{}, ErrNotDeclared)
		}
		return
	}
	o := new(sending)
	err := p.prepare(o, &v)
	p.r.publishAsync(ctx, p.spec, o, err, done)
}

// Delete publishes a tombstone for the key. It is an error on anything but a State.
func (p Publisher[T]) Delete(ctx context.Context, key string) error {
	if p.r == nil {
		return ErrNotDeclared
	}
	if p.spec.Kind != topics.KindState || key == "" {
		return fmt.Errorf("delete %q from %s: only a state topic has keys to delete, and they are not empty", key, p.spec.Name)
	}
	data, err := p.r.EncodeKey(ctx, *p.spec, key)
	if err != nil {
		return allFailed(p.spec.Name, 1, err)
	}
	m := new(oneRecord).slab()
	rec := m.record()
	*rec = broker.Record{Topic: p.spec.Name, Key: data, ID: m.id()}
	rec.Headers = p.r.headersFor(&m, ownerOf(ctx), rec, "", "", 0)
	if err := p.r.ensure(ctx, p.spec); err != nil {
		return allFailed(p.spec.Name, 1, err)
	}
	w := p.r.start(ctx, new(lot), []*broker.Record{rec})
	_, err = w.wait(ctx, p.spec.Name, p.r.broker.Sends().Timeout())
	return err
}

// With returns a publisher that applies the options to every value.
func (p Publisher[T]) With(opts ...SendOption) Publisher[T] {
	p.opts, p.form = append(slices.Clip(p.opts), opts...), form{} // one may choose another codec
	return p
}

func (p Publisher[T]) prepare(o *sending, v *T) (err error) {
	o.key, err = keyFor(p.t, p.spec, v)
	set(o, v, p.form)
	for _, opt := range p.opts {
		opt.applySend(o)
	}
	return err
}

// ownerOf returns the message or batch that ctx belongs to, nil outside of a handler.
func ownerOf(ctx context.Context) owner {
	o, _ := ctx.Value(callKey{}).(owner)
	return o
}

// publish encodes n values, sends them and waits. prepare fills in what is sent.
func (r *Router) publish(ctx context.Context, s *topics.Spec, n int, prepare func(i int, o *sending) error) ([]Receipt, error) {
	l := r.newLot()
	recs, err := r.records(ctx, l, s, n, prepare)
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	if r.conv.FireAndForget && ownerOf(ctx) == nil {
		for _, rec := range recs {
			r.produce(ctx, rec, func(_ broker.Receipt, err error) { r.lost(rec.Topic, err) })
		}
		return make([]Receipt, len(recs)), nil
	}
	return r.start(ctx, l, recs).wait(ctx, s.Name, r.broker.Sends().Timeout())
}

// records encodes all values or none, in the memory of l.
func (r *Router) records(ctx context.Context, l *lot, s *topics.Spec, n int, prepare func(i int, o *sending) error) ([]*broker.Record, error) {
	if err := r.ensure(ctx, s); err != nil {
		return nil, allFailed(s.Name, n, err)
	}
	recs := make([]*broker.Record, n)
	errs := make([]error, n)
	from := ownerOf(ctx)
	inParts(n, func(first, end int) {
		m, o := slab{lot: l}, sending{}
		for i := first; i < end; i++ {
			if errs[i] = prepare(i, &o); errs[i] == nil {
				recs[i], errs[i] = r.record(ctx, &m, from, s, &o)
			}
			o = sending{}
		}
	})
	if !slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
		return recs, nil
	}
	failed := map[int]error{}
	for i, err := range errs {
		failed[i] = cmp.Or(err, errNotSent)
	}
	return nil, &PublishError{s.Name, failed}
}

var errNotSent = errors.New("not sent, because another value of the call failed")

// atOnce is how many values one core encodes before another one is worth its while.
const atOnce = 128

// inParts calls f for all numbers below n, several together, on several cores when there are
// many.
func inParts(n int, f func(first, end int)) {
	parts := min(n/atOnce, runtime.GOMAXPROCS(0))
	if parts < 2 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() { f(p*n/parts, (p+1)*n/parts) })
	}
	wg.Wait()
}

func allFailed(topic string, n int, err error) error {
	failed := map[int]error{}
	for i := range n {
		failed[i] = err
	}
	return &PublishError{topic, failed}
}

// publishAsync sends a value unless it could not be prepared.
func (r *Router) publishAsync(ctx context.Context, s *topics.Spec, o *sending, err error, done func(Receipt, error)) {
	var rec *broker.Record
	if err == nil {
		m := new(oneRecord).slab()
		rec, err = r.recordAlone(ctx, s, &m, o)
	}
	report := func(rc broker.Receipt, err error) {
		r.lost(s.Name, err)
		if done != nil {
			done(Receipt(rc), err)
		}
	}
	if err != nil {
		report(broker.Receipt{}, err)
		return
	}
	r.produce(ctx, rec, report)
}

// lost counts and logs what nobody waits for.
func (r *Router) lost(topic string, err error) {
	if err == nil {
		return
	}
	r.counters.asyncFailures.Add(1)
	r.log.Error("message not written", slog.String("topic", topic), slog.String("error", errorText(err)))
}

// produce sends one record: as an output of the message that ctx belongs to, else as the
// service's own.
func (r *Router) produce(ctx context.Context, rec *broker.Record, done func(broker.Receipt, error)) {
	o := ownerOf(ctx)
	if o == nil {
		r.broker.Sends().Produce(ctx, rec, done)
		return
	}
	if err := r.broker.Outputs().Check(rec); err != nil {
		done(broker.Receipt{}, err)
		return
	}
	o.expect()
	r.outputs.send(output{c: o, rec: rec, done: done}) //nolint:contextcheck // an output outlives its caller
}

// waiter collects the results of several records.
type waiter struct {
	lot      *lot // of the records
	mu       sync.Mutex
	left     int
	settled  []bool
	receipts []Receipt
	failed   map[int]error
	over     chan struct{}
}

func (r *Router) start(ctx context.Context, l *lot, recs []*broker.Record) *waiter {
	w := &waiter{lot: l, left: len(recs), settled: make([]bool, len(recs)), receipts: make([]Receipt, len(recs)), over: make(chan struct{})}
	if all, ok := r.broker.Sends().(broker.BatchProducer); ok && len(recs) > 1 && ownerOf(ctx) == nil {
		all.ProduceAll(ctx, recs, w.done)
		return w
	}
	for i, rec := range recs {
		r.produce(ctx, rec, func(rc broker.Receipt, err error) { w.done(i, rc, err) })
	}
	return w
}

func (w *waiter) done(i int, rc broker.Receipt, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled[i], w.receipts[i] = true, Receipt(rc)
	if err != nil {
		w.fail(i, err)
	}
	if w.left--; w.left == 0 {
		w.lot.free()
		close(w.over)
	}
}

func (w *waiter) fail(i int, err error) {
	if w.failed == nil {
		w.failed = map[int]error{}
	}
	w.failed[i] = err
}

// wait returns when all are settled, or ctx or the timeout has ended the patience.
func (w *waiter) wait(ctx context.Context, topic string, timeout time.Duration) ([]Receipt, error) {
	var expired <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-w.over:
	case <-ctx.Done():
		return w.giveUp(topic, context.Cause(ctx))
	case <-expired:
		return w.giveUp(topic, fmt.Errorf("no answer within %v", timeout))
	}
	if len(w.failed) > 0 {
		return w.receipts, &PublishError{topic, w.failed}
	}
	return w.receipts, nil
}

func (w *waiter) giveUp(topic string, cause error) ([]Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &PublishError{topic, map[int]error{}}
	for i, settled := range w.settled {
		if !settled {
			e.Failed[i] = fmt.Errorf("%w: %w", broker.ErrOutcomeUnknown, cause)
		} else if err := w.failed[i]; err != nil {
			e.Failed[i] = err
		}
	}
	if len(e.Failed) == 0 {
		return w.receipts, nil
	}
	return append([]Receipt(nil), w.receipts...), e
}

package redis

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// owner is a partition in the hands of this member, from taking its lease to giving it back
// or losing it.
type owner struct {
	in   *intake
	id   int32
	keys sideKeys
	// token is that of the lease; "" with competing delivery, which has none.
	token    string
	consumer string
	log      *slog.Logger
	born     time.Time
	until    atomic.Int64 // nanoseconds after born; the lease lasts until then

	part   *partition
	reader reader
	acks   acks

	reading context.CancelFunc // ends reading
	end     context.CancelFunc // ends everything
	ended   <-chan struct{}    // the context that end ends
	loops   sync.WaitGroup
	once    sync.Once
	leaving bool // guarded by the intake's lock
}

func newOwner(in *intake, p int32) *owner {
	s := stream(in.sub.Topic, p)
	o := &owner{
		in: in, id: p, keys: keysOf(s, in.m.group.Name), consumer: consumer, born: time.Now(),
		log: in.m.log.With("topic", in.sub.Topic, "partition", p),
	}
	o.acks.init()
	return o
}

func (o *owner) competes() bool { return o.token == "" }

func (o *owner) client() redis.UniversalClient { return o.in.m.b.client }

// begin starts to read and to handle. It reports false when the intake closes.
func (o *owner) begin(ctx context.Context, run string) bool {
	in := o.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	o.part = in.engine.Assign(o.id, 0)
	o.reader.init(o, in.resume[o.id], run)
	in.owners[o.id] = o
	in.byPart.Store(o.part, o)
	all, end := context.WithCancel(context.WithoutCancel(ctx))
	reading, stop := context.WithCancel(all)
	o.reading, o.end, o.ended = stop, end, all.Done()
	if o.competes() {
		o.loops.Go(func() { o.stay(all) })
		o.loops.Go(func() { o.claim(reading) })
	} else {
		o.loops.Go(func() { o.keep(all) })
	}
	o.loops.Go(func() { o.acks.run(all, o) })
	o.loops.Go(func() { o.reader.loop(reading) })
	in.work.Go(o.loops.Wait)
	o.log.Info("partition assigned")
	return true
}

func (o *owner) mayRun() bool {
	if o.left() > 0 {
		return true
	}
	go o.lose(errExpired)
	return false
}

func (o *owner) finished(it *item) {
	if o.reader.close(it.Position) {
		o.acks.add(it.Record().Offset)
	}
}

func (o *owner) parked(it *item) {
	if _, ok := o.reader.openID(it.Position); ok {
		o.acks.note(it.Record().Offset, it.Attempt(), it.Due(), it.FirstFailed())
	}
}

// lose gives the partition up at once: what its handlers still do counts no more.
func (o *owner) lose(why error) {
	o.once.Do(func() {
		o.end()
		o.part.Drop()
		o.drop()
		o.log.Warn("partition lost", "reason", why)
	})
}

// drop takes the owner out of the intake, which may take the partition again.
func (o *owner) drop() {
	in := o.in
	in.mu.Lock()
	in.byPart.Delete(o.part)
	if in.owners[o.id] == o {
		delete(in.owners, o.id)
	}
	in.resume[o.id] = o.reader.done()
	in.mu.Unlock()
	notify(in.kick)
}

// release gives the partition to the next owner in order: running handlers end, what is
// finished is acknowledged, what waits keeps its attempts.
func (o *owner) release(ctx context.Context) (err error) {
	o.reading()
	drain, cancel := context.WithCancel(ctx)
	go func() { // a lease lost meanwhile ends the waiting
		select {
		case <-o.ended:
		case <-drain.Done():
		}
		cancel()
	}()
	o.part.Revoke(drain)
	cancel()
	o.once.Do(func() { err = o.settle(ctx) })
	o.loops.Wait()
	return err
}

func (o *owner) settle(ctx context.Context) error {
	ctx, cancel := lastly(ctx)
	defer cancel()
	o.account()
	err := o.acks.drain(ctx, o)
	if err == nil {
		err = o.giveBack(ctx)
	}
	o.end()
	o.drop()
	o.log.Info("partition released")
	return err
}

// account collects what the engine knows to be finished and has not reported yet.
func (o *owner) account() {
	pr := o.part.Progress()
	for _, id := range o.reader.closeFinished(pr) {
		o.acks.add(id)
	}
	for _, w := range pr.Waiting {
		if id, ok := o.reader.openID(w.Position); ok {
			o.acks.note(id.String(), w.Attempt, w.Due, w.FirstFailed)
		}
	}
}

var (
	_ handling        = (*owner)(nil)
	_ broker.Delivery = (*dispatch.Item[*broker.Record])(nil)
)

package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

const (
	maxPipeline      = 1000
	maxPipelineBytes = 8 << 20
	firstBackoff     = 5 * time.Millisecond
	maxBackoff       = time.Second
)

// write is a record on its way.
type write struct {
	r         *broker.Record
	args      []any // of XADD; fields and values are behind the id
	done      func(broker.Receipt, error)
	partition int32
	stream    string      // "" before its partition was chosen
	compacts  bool        // it replaces the former record of its key
	cmd       redis.Cmder // of the last try
	lost      bool        // a try was not answered: it may have been written
}

// xaddID is how many arguments of XADD there are up to the id.
const xaddID = 3

func newWrite(r *broker.Record, done func(broker.Receipt, error)) *write {
	return &write{r: r, args: appendEntry(append(make([]any, 0, xaddID+8), "xadd", "", "*"), r), done: done}
}

// writer sends the records of all producers, in the order of the calls, one pipeline at a
// time. What was not answered, or refused for a moment, it sends again in the same order:
// records may be doubled, never swapped or lost.
type writer struct {
	client redis.UniversalClient
	topics *registry
	log    *slog.Logger
	limit  limiter

	mu      sync.Mutex
	queue   []*write
	sending int  // taken from the queue, or never in it, and not done
	direct  bool // a caller writes; the queue waits
	alone   int  // writes in a row that had no company
	directs sync.WaitGroup
	started bool
	closed  bool
	idle    []chan struct{}
	signal  chan struct{}
	ctx     context.Context //nolint:containedctx // the life of the writer
	stop    context.CancelFunc
	ended   chan struct{}
	robin   map[string]int32
}

func newWriter(c redis.UniversalClient, ts *registry, log *slog.Logger, maxLen int64) *writer {
	ctx, stop := context.WithCancel(context.Background())
	return &writer{
		client: c, topics: ts, log: log, limit: limiter{client: c, log: log, max: maxLen, said: map[string]time.Time{}}, signal: make(chan struct{}, 1),
		ctx: ctx, stop: stop, ended: make(chan struct{}), robin: map[string]int32{},
	}
}

func (w *writer) put(x *write) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		x.done(broker.Receipt{}, broker.ErrClosed)
		return
	}
	w.queue = append(w.queue, x)
	w.begin()
	w.mu.Unlock()
	w.wake()
}

// begin makes somebody look after the queue.
func (w *writer) begin() {
	if !w.started {
		w.started = true
		go w.run()
	}
}

func (w *writer) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

func (w *writer) run() {
	defer close(w.ended)
	for {
		select {
		case <-w.signal:
		case <-w.ctx.Done():
			return
		}
		for batch := w.take(); len(batch) > 0; batch = w.take() {
			if !w.send(batch) {
				return
			}
		}
	}
}

// take removes the records of the next pipeline from the queue.
func (w *writer) take() []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.direct {
		return nil // its caller wakes us
	}
	n, size := 0, 0
	for n < len(w.queue) && n < maxPipeline && (n == 0 || size < maxPipelineBytes) {
		size += w.queue[n].r.Size()
		n++
	}
	batch := w.queue[:n:n]
	w.meet(len(w.queue))
	if w.queue = w.queue[n:]; len(w.queue) == 0 {
		w.queue = nil
	}
	w.sending += n
	return batch
}

// send repeats what was not answered until all is. It reports false when the writer closes.
func (w *writer) send(batch []*write) bool {
	for wait, said := firstBackoff, false; ; wait = min(2*wait, maxBackoff) {
		rest, err := w.try(batch)
		if len(rest) == 0 {
			if said {
				w.log.Info("publishing to redis goes on")
			}
			return true
		}
		if len(rest) < len(batch) {
			wait = firstBackoff
		}
		if batch = rest; err != nil && !said && w.ctx.Err() == nil {
			said = true
			w.log.Warn("publishing to redis waits", "records", len(rest), "error", err)
		}
		if pause(w.ctx, wait) != nil {
			w.abandon(rest)
			return false
		}
	}
}

// try sends a pipeline and returns what has to be sent again, in order, and why.
func (w *writer) try(batch []*write) ([]*write, error) {
	batch, err := w.place(batch)
	if err != nil || len(batch) == 0 {
		return batch, err
	}
	err = w.exec(batch)
	return w.settle(batch), err
}

// place chooses the partitions. A record whose topic cannot be used is refused.
func (w *writer) place(batch []*write) ([]*write, error) {
	kept := batch[:0:len(batch)] // what was refused is not looked at again
	var t topic
	var name string
	for i, x := range batch {
		var err error
		if x.r.Topic != name {
			t, err = w.topics.get(w.ctx, x.r.Topic)
		}
		switch {
		case err == nil:
			name = x.r.Topic
			w.choose(x, t)
			kept = append(kept, x)
		case passing(err):
			return append(kept, batch[i:]...), err
		default:
			name = ""
			w.finish(x, broker.Receipt{}, x.refused(err))
		}
	}
	return kept, nil
}

func (w *writer) choose(x *write, t topic) {
	x.compacts = t.kind == topics.KindState && len(x.r.Key) > 0
	if x.stream != "" {
		return
	}
	switch {
	case len(x.r.Key) > 0:
		x.partition = broker.PartitionOf(x.r.Key, t.partitions)
	default:
		x.partition = w.robin[x.r.Topic] % int32(t.partitions) //nolint:gosec // a small count
		w.robin[x.r.Topic] = x.partition + 1
	}
	x.stream = t.streams[x.partition]
}

// commander is a client, which sends a command, or a pipeline, which adds it.
type commander interface {
	redis.Cmdable
	Process(ctx context.Context, cmd redis.Cmder) error
}

func (w *writer) command(c commander, x *write) redis.Cmder {
	if x.compacts {
		args := append([]any{x.r.Key}, x.args[xaddID:]...)
		return c.Eval(w.ctx, stateText, []string{x.stream, side(x.stream, "latest")}, args...)
	}
	x.args[1] = x.stream
	cmd := redis.NewStringCmd(w.ctx, x.args...)
	_ = c.Process(w.ctx, cmd) // the command has the error
	return cmd
}

// settle finishes what was answered and returns the rest.
func (w *writer) settle(batch []*write) (rest []*write) {
	for _, x := range batch {
		err := x.cmd.Err()
		switch {
		case err == nil:
			x.done(receipt(x), nil)
		case passing(err) || redis.IsExecAbortError(err):
			x.lost = x.lost || !answered(err)
			rest = append(rest, x)
		default:
			x.done(broker.Receipt{}, x.refused(err))
		}
	}
	w.finished(len(batch) - len(rest))
	return rest
}

func receipt(x *write) broker.Receipt {
	var id string
	switch c := x.cmd.(type) {
	case *redis.StringCmd:
		id = c.Val()
	case *redis.Cmd:
		id, _ = c.Text()
	}
	t := x.r.Time
	if t.IsZero() {
		t = parseID(id).time()
	}
	return broker.Receipt{Topic: x.r.Topic, Partition: x.partition, Offset: id, Time: t}
}

func (w *writer) finish(x *write, r broker.Receipt, err error) {
	x.done(r, err)
	w.finished(1)
}

func (w *writer) finished(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending -= n
	w.checkIdle()
}

func (w *writer) checkIdle() {
	if w.sending > 0 || len(w.queue) > 0 {
		return
	}
	for _, c := range w.idle {
		close(c)
	}
	w.idle = nil
}

// flush waits until nothing is queued or on its way.
func (w *writer) flush(ctx context.Context) error {
	done := make(chan struct{})
	w.mu.Lock()
	w.idle = append(w.idle, done)
	w.checkIdle()
	w.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush to redis: %w", ctx.Err())
	}
}

// close ends the writer; what is left is given up.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	started := w.started
	w.mu.Unlock()
	w.stop()
	if started {
		<-w.ended
	}
	w.directs.Wait()
	w.mu.Lock()
	left := w.queue
	w.queue = nil
	w.sending += len(left)
	w.mu.Unlock()
	for _, x := range left {
		w.finish(x, broker.Receipt{}, x.closed())
	}
}

// refused is what a caller hears when sending the record again is useless.
func (x *write) refused(err error) error {
	err = fmt.Errorf("publish to %s: %w", x.r.Topic, explain(err))
	if x.lost {
		return fmt.Errorf("%w when a try was not answered, and the next one failed: %w", broker.ErrOutcomeUnknown, err)
	}
	return err
}

// closed is what a caller hears when the writer closes before the record was answered.
func (x *write) closed() error {
	if x.cmd == nil {
		return broker.ErrClosed
	}
	return errors.Join(broker.ErrClosed, broker.ErrOutcomeUnknown)
}

func (w *writer) abandon(batch []*write) {
	for _, x := range batch {
		w.finish(x, broker.Receipt{}, errors.Join(broker.ErrClosed, broker.ErrOutcomeUnknown))
	}
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// What may wait in Sends. Each record costs its size and at least a fixed part, so that one
// budget bounds bytes and records.
const (
	sendsBytes   = 64 << 20
	sendsRecords = 50_000
	recordCost   = sendsBytes / sendsRecords
)

// producer writes records through a client of its own. Records go in without a context and
// without a time limit: one that is given up fails everybody's records behind it.
type producer struct {
	cl       atomic.Pointer[kgo.Client]
	dial     func() (*kgo.Client, error)
	room     *budget // nil: no bound
	timeout  time.Duration
	limit    func(topic string) int32
	usual    int // limit of a topic without one of its own, no more than that of any
	closed   atomic.Bool
	lost     lostAnswers
	lone     spare // with one record each
	together spare // with several
	gathered gathering

	mu       sync.Mutex
	purging  map[string]bool
	renewing bool
	former   *kgo.Client // the one before cl, nil mostly
	tasks    sync.WaitGroup
	closing  chan struct{}
}

func (b *Broker) newSends(codec kgo.CompressionCodec) (*producer, error) {
	p, err := b.newProducer(codec)
	if err != nil {
		return nil, err
	}
	p.room = newBudget(sendsBytes)
	p.timeout = b.cfg.DeliveryTimeout
	return p, nil
}

func (b *Broker) newOutputs(codec kgo.CompressionCodec) (*producer, error) {
	return b.newProducer(codec)
}

func (b *Broker) newProducer(codec kgo.CompressionCodec) (*producer, error) {
	p := &producer{limit: b.batchLimit, usual: int(b.cfg.MaxMessageBytes), purging: map[string]bool{}, closing: make(chan struct{})}
	p.gathered.hand, p.gathered.answered = p.handOver, make(chan struct{}, 1)
	p.dial = func() (*kgo.Client, error) {
		return kgo.NewClient(append(b.producerOpts(codec), kgo.WithHooks(&p.lost))...)
	}
	cl, err := p.dial()
	if err != nil {
		return nil, err
	}
	p.cl.Store(cl)
	return p, nil
}

func (b *Broker) producerOpts(codec kgo.CompressionCodec) []kgo.Opt {
	return append(b.clientOpts(),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, as broker.PartitionOf
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytesFn(b.batchLimit),
		kgo.ProducerLinger(b.cfg.Linger),
		kgo.ProduceRequestTimeout(b.cfg.RequestTimeout),
		kgo.MaxBufferedRecords(math.MaxInt32),
	)
}

var _ broker.BatchProducer = (*producer)(nil)

// Produce hands r over; see [broker.Producer].
func (p *producer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	cost, err := p.admit(ctx, r)
	if err != nil {
		done(broker.Receipt{}, err)
		return
	}
	p.send(caller{share: cost, one: done}, r)
}

// ProduceAll hands records over together; see [broker.BatchProducer].
func (p *producer) ProduceAll(ctx context.Context, rs []*broker.Record, done func(int, broker.Receipt, error)) {
	cost, err := p.admit(ctx, rs...)
	if err != nil {
		for i := range rs {
			done(i, broker.Receipt{}, err)
		}
		return
	}
	share := cost / int64(len(rs))
	p.unreserve(cost - share*int64(len(rs)))
	p.send(caller{share: share, all: done}, rs...)
}

// send gathers records while others are on their way, so that company is likely, else they go straight.
func (p *producer) send(c caller, rs ...*broker.Record) {
	switch g := &p.gathered; {
	case g.behind(c, rs...): // whoever hands over those in front takes these, too
	case g.waves.Load() > 0 || g.pass():
		go g.run()
	}
}

// handOver gives the client records. They are ready before the first one goes in, so that few requests take them
// all.
func (p *producer) handOver(hs []handed) {
	var room [4]*sent // on the stack, enough for most
	groups := room[:0]
	now, w := time.Now(), p.gathered.newWave(len(hs)) // the client would ask for the time of each one
	for group := range slices.Chunk(hs, groupSize) {
		groups = append(groups, p.newSent(group, w, now))
	}
	cl := p.cl.Load()
	for _, s := range groups {
		s.give(cl)
	}
}

// admit waits for room for all of the records, which are of one topic.
func (p *producer) admit(ctx context.Context, rs ...*broker.Record) (cost int64, err error) {
	if p.closed.Load() {
		return 0, fmt.Errorf("publish to %s: %w", rs[0].Topic, broker.ErrClosed)
	}
	if p.room == nil {
		return 0, nil
	}
	for _, r := range rs {
		cost += int64(max(r.Size(), recordCost))
	}
	cost = min(cost, p.room.total)
	if err := p.room.take(ctx, cost); err != nil {
		return 0, fmt.Errorf("publish to %s: wait for room in the buffer: %w", rs[0].Topic, err)
	}
	return cost, nil
}

func (p *producer) unreserve(cost int64) {
	if p.room != nil && cost > 0 {
		p.room.give(cost)
	}
}

// outcome is what a caller learns about a record.
func (p *producer) outcome(rec *kgo.Record, offset []byte, err error) (broker.Receipt, error) {
	if err != nil {
		p.heal(rec.Topic, err)
		return broker.Receipt{}, explain(rec.Topic, err)
	}
	return receipt(rec, offset), nil
}

// heal does what a failed record asks for.
func (p *producer) heal(topic string, err error) {
	switch {
	case errors.Is(err, kerr.UnknownTopicID):
		p.forget(topic)
	case forbidden(err):
		p.renew()
	}
}

// forget makes the client look anew at a topic that was deleted and created again: it keeps
// to the first instance else.
func (p *producer) forget(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.purging[topic] || p.closed.Load() {
		return
	}
	p.purging[topic] = true
	p.tasks.Go(func() {
		p.cl.Load().PurgeTopicsFromProducing(topic)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.purging, topic)
	})
}

// Check tells whether r fits into a batch of its topic.
func (p *producer) Check(r *broker.Record) error {
	n := batchSize(r)
	if n <= p.usual { // no need to look further
		return nil
	}
	if limit := int(p.limit(r.Topic)); n > limit {
		return fmt.Errorf("publish to %s: %w: %d bytes, the limit is %d (set KAFKA_MAX_MESSAGE_BYTES and the topic's max.message.bytes)",
			r.Topic, broker.ErrTooLarge, n, limit)
	}
	return nil
}

// Timeout is kafka.delivery_timeout for Sends, 0 for Outputs.
func (p *producer) Timeout() time.Duration { return p.timeout }

// Flush waits until everything handed over is done.
func (p *producer) Flush(ctx context.Context) error {
	p.gathered.pass()
	cl := p.cl.Load()
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("kafka: flush %d messages: %w", cl.BufferedProduceRecords(), err)
	}
	return nil
}

// close refuses what comes from now on.
func (p *producer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed.Swap(true) {
		close(p.closing)
	}
}

func (p *producer) release() {
	p.close()
	p.tasks.Wait()
	p.cl.Load().Close()
	if p.former != nil {
		p.former.Close()
	}
}

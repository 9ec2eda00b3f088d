package stock

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
)

const (
	// lines is how many records are on their way at once.
	lines     = 32
	firstWait = 100 * time.Millisecond
	maxWait   = 10 * time.Second
)

// ProducerConfig says what a producer does. All fields but Timeout and Room are required.
type ProducerConfig struct {
	// Open opens the stock publisher. It is called until it succeeds, then never again.
	Open func() (message.Publisher, error)
	// Check tells that a record could never be written.
	Check func(*broker.Record) error
	// Explain turns an error of the publisher into one that callers know. An error is final
	// when sending the record again is useless.
	Explain func(topic string, err error) (explained error, final bool)
	// Timeout bounds the attempts for one record; 0 goes on for ever.
	Timeout time.Duration
	// Room is how many records may wait before Produce blocks; 0 bounds nothing.
	Room int
}

// Producer is a [broker.Producer] over a stock publisher. Records of one key go one after
// the other, others side by side.
type Producer struct {
	cfg     ProducerConfig
	seed    maphash.Seed
	keyless atomic.Uint32
	lines   [lines]*line
	room    chan struct{}
	workers sync.WaitGroup
	closed  chan struct{}

	opening sync.Mutex
	pub     message.Publisher

	mu       sync.Mutex
	open     int           // records that are not done
	idle     chan struct{} // closed when open is 0
	shutting bool
}

// NewProducer starts a producer. Close stops it.
func NewProducer(cfg ProducerConfig) *Producer {
	p := &Producer{cfg: cfg, seed: maphash.MakeSeed(), closed: make(chan struct{}), idle: make(chan struct{})}
	close(p.idle)
	if cfg.Room > 0 {
		p.room = make(chan struct{}, cfg.Room)
	}
	for i := range p.lines {
		p.lines[i] = newLine()
		p.workers.Go(func() { p.work(p.lines[i]) })
	}
	return p
}

// Produce hands a record over, see [broker.Producer].
func (p *Producer) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	err := p.cfg.Check(r)
	if err == nil {
		err = p.enter(ctx)
	}
	if err != nil {
		done(broker.Receipt{}, fmt.Errorf("publish to %s: %w", r.Topic, err))
		return
	}
	j := job{rec: r, done: done}
	if p.cfg.Timeout > 0 {
		j.deadline = time.Now().Add(p.cfg.Timeout)
	}
	p.line(r).put(j)
}

// Check tells that a record could never be written.
func (p *Producer) Check(r *broker.Record) error { return p.cfg.Check(r) }

// Timeout is how long a caller should wait for a record; 0 is for ever.
func (p *Producer) Timeout() time.Duration { return p.cfg.Timeout }

// enter waits for room and counts a record in.
func (p *Producer) enter(ctx context.Context) error {
	if p.room != nil {
		select {
		case p.room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.closed:
			return broker.ErrClosed
		}
	}
	if p.countIn() {
		return nil
	}
	p.leaveRoom()
	return broker.ErrClosed
}

func (p *Producer) countIn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shutting {
		return false
	}
	if p.open++; p.open == 1 {
		p.idle = make(chan struct{})
	}
	return true
}

func (p *Producer) leaveRoom() {
	if p.room != nil {
		<-p.room
	}
}

func (p *Producer) leave() {
	p.leaveRoom()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open--; p.open == 0 {
		close(p.idle)
	}
}

// line is where the records of a key stand in line.
func (p *Producer) line(r *broker.Record) *line {
	if len(r.Key) == 0 {
		return p.lines[p.keyless.Add(1)%lines]
	}
	return p.lines[(maphash.String(p.seed, r.Topic)^maphash.Bytes(p.seed, r.Key))%lines]
}

func (p *Producer) work(l *line) {
	for {
		j, ok := l.take(p.closed)
		if !ok {
			return
		}
		receipt, err := p.send(&j)
		j.done(receipt, err)
		p.leave()
	}
}

// send publishes until it succeeds, is refused, or ran out of time.
func (p *Producer) send(j *job) (broker.Receipt, error) {
	for wait, again := firstWait, false; ; wait, again = min(2*wait, maxWait), true {
		receipt, err := p.try(j.rec)
		if err == nil {
			return receipt, nil
		}
		explained, final := p.cfg.Explain(j.rec.Topic, err)
		switch {
		case final && !again: // the answer to an earlier try may be what got lost
			return broker.Receipt{}, explained
		case final || j.late(wait) || !p.pause(wait):
			return broker.Receipt{}, fmt.Errorf("%w: %w", broker.ErrOutcomeUnknown, explained)
		}
	}
}

func (p *Producer) try(r *broker.Record) (broker.Receipt, error) {
	pub, err := p.publisher()
	if err != nil {
		return broker.Receipt{}, err
	}
	out := &Outgoing{Record: r}
	if err := pub.Publish(r.Topic, out.message()); err != nil {
		return broker.Receipt{}, err
	}
	return out.receipt(), nil
}

func (p *Producer) publisher() (message.Publisher, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	if p.pub == nil {
		pub, err := p.cfg.Open()
		if err != nil {
			return nil, err
		}
		p.pub = pub
	}
	return p.pub, nil
}

// pause waits; false when the producer closes.
func (p *Producer) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.closed:
		return false
	}
}

// Flush waits until everything handed over is done.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush: %w", ctx.Err())
	}
}

// Close refuses further records, flushes until ctx ends and closes the publisher. What was
// not written by then is reported to its callers. Close it once.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	p.shutting = true
	p.mu.Unlock()
	err := p.Flush(ctx)
	close(p.closed)
	p.workers.Wait()
	for _, l := range p.lines {
		p.giveUp(l)
	}
	if p.pub == nil {
		return err
	}
	if closing := p.pub.Close(); err == nil {
		err = closing
	}
	return err
}

func (p *Producer) giveUp(l *line) {
	for _, j := range l.rest() {
		j.done(broker.Receipt{}, fmt.Errorf("publish to %s: %w", j.rec.Topic, broker.ErrClosed))
		p.leave()
	}
}

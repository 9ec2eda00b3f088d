package stock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

type (
	item      = dispatch.Item[*broker.Record]
	partition = dispatch.Partition[*broker.Record]
)

// reader feeds an engine with what one stock subscriber delivers. Positions are counted here.
type reader struct {
	*Source

	engine  *dispatch.Engine[*broker.Record]
	endRead context.CancelFunc // stops taking messages
	endSub  context.CancelFunc // stops the subscriber
	reading sync.WaitGroup
	acked   sync.WaitGroup // acknowledged and not yet taken by the subscriber

	mu    sync.Mutex
	next  int64
	held  map[int64]*message.Message
	parts map[int32]*partition // that something came from
}

func newReader(ctx context.Context, s *Source, failed chan<- error) (*reader, error) {
	r := &reader{Source: s, held: map[int64]*message.Message{}, parts: map[int32]*partition{}}
	sub, endSub := context.WithCancel(context.WithoutCancel(ctx)) // outlives the call
	messages, err := s.Subscriber.Subscribe(sub, s.Topic)
	if err != nil {
		endSub()
		return nil, errors.Join(fmt.Errorf("subscribe to %s: %w", s.Topic, err), s.Subscriber.Close())
	}
	read, endRead := context.WithCancel(sub)
	r.endSub, r.endRead = endSub, endRead
	r.engine = dispatch.New(r.config())
	r.reading.Go(func() { r.read(read, messages, failed) })
	return r, nil
}

func (r *reader) config() dispatch.Config[*broker.Record] {
	c := dispatch.Config[*broker.Record]{
		Concurrency: r.Concurrency, Unordered: r.Unordered, BatchSize: r.BatchSize, BatchWait: r.BatchWait,
		Records: r.Bounds.Records, Bytes: r.Bounds.Bytes, Span: r.Bounds.Span, Finished: r.finished,
	}
	if r.HandleBatch != nil {
		c.RunBatch = func(b []*item) { r.HandleBatch(deliveries(b)) }
	} else {
		c.Run = func(it *item) { r.Handle(it) }
	}
	return c
}

func deliveries(b []*item) []broker.Delivery {
	ds := make([]broker.Delivery, len(b))
	for i, it := range b {
		ds[i] = it
	}
	return ds
}

func (r *reader) read(ctx context.Context, messages <-chan *message.Message, failed chan<- error) {
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				failed <- fmt.Errorf("the subscriber of %s ended by itself", r.Topic)
				return
			}
			if r.feed(m).Wait(ctx) != nil {
				return
			}
		}
	}
}

// feed hands a message over and returns its partition.
func (r *reader) feed(m *message.Message) *partition {
	rec := r.Record(m)
	p, at := r.hold(m, rec.Partition)
	p.Feed(dispatch.Entry[*broker.Record]{Position: at, Key: rec.Key, Size: rec.Size(), Value: rec})
	return p
}

// hold keeps a message until it is finished, and tells where it is in the engine.
func (r *reader) hold(m *message.Message, id int32) (p *partition, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p = r.parts[id]; p == nil {
		p = r.engine.Assign(id, r.next)
		r.parts[id] = p
	}
	at = r.next
	r.next++
	r.held[at] = m
	return p, at
}

// finished acknowledges the message. Its context ends when the subscriber has taken that.
func (r *reader) finished(it *item) {
	r.mu.Lock()
	m := r.held[it.Position]
	delete(r.held, it.Position)
	r.mu.Unlock()
	r.acked.Add(1)
	context.AfterFunc(m.Context(), r.acked.Done)
	m.Ack()
}

// close ends the subscriber only after it has taken the acknowledgements: those that it
// finds when it is closing are lost.
func (r *reader) close(ctx context.Context) error {
	r.endRead()
	r.reading.Wait()
	r.engine.Drain(ctx)
	r.awaitAcked()
	err := r.Subscriber.Close()
	r.endSub()
	r.engine.Close()
	if r.Closed != nil {
		r.Closed()
	}
	if err != nil {
		return fmt.Errorf("close the subscriber of %s: %w", r.Topic, err)
	}
	return nil
}

func (r *reader) awaitAcked() {
	taken := make(chan struct{})
	go func() { r.acked.Wait(); close(taken) }() // ends with the subscriber at the latest
	t := time.NewTimer(dispatch.Grace)
	defer t.Stop()
	select {
	case <-taken:
	case <-t.C:
	}
}

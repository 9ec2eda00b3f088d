package router

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/internal/outcome"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// KeyMetadata names the metadata entry that carries a message's key through Watermill's
// interfaces: the publisher takes the key from it, the subscriber sets it.
const KeyMetadata = "leat-key"

// NewMessagePublisher returns a message.Publisher over the router's broker, so that
// Watermill's own components can publish. Publish returns when the broker has all messages.
// Close does nothing: the broker outlives its users.
func NewMessagePublisher(r *Router) (message.Publisher, error) {
	var p message.Publisher = messagePublisher{r}
	for _, decorate := range slices.Backward(r.decorators) {
		var err error
		if p, err = decorate(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type messagePublisher struct{ r *Router }

func (p messagePublisher) Publish(topic string, ms ...*message.Message) error {
	if len(ms) == 0 {
		return nil
	}
	s := p.r.specOf(topics.Spec{Name: topic, Format: topics.Raw})
	recs := make([]*broker.Record, len(ms))
	for i, m := range ms {
		recs[i] = fromMessage(s.Name, m, nil)
		if key := m.Metadata.Get(KeyMetadata); key != "" {
			recs[i].Key = []byte(key)
		}
		recs[i].Headers = slices.DeleteFunc(recs[i].Headers, func(h broker.Header) bool { return h.Key == KeyMetadata })
	}
	if err := p.r.ensure(ms[0].Context(), &s); err != nil {
		return err
	}
	_, err := p.r.start(ms[0].Context(), new(lot), recs).wait(ms[0].Context(), topic, p.r.broker.Sends().Timeout())
	return err
}

func (p messagePublisher) Close() error { return nil }

// NewSubscriber returns a message.Subscriber over the delivery engine, so that Watermill's own
// components can consume. Of the options Group, Concurrency, Unordered, From and Retry's
// backoff apply: a nacked message comes again after the backoff, for ever, while other keys
// go on. Each Subscribe joins the group on its own. Close waits for messages under way until
// Conventions.ShutdownTimeout.
func NewSubscriber(r *Router, opts ...Option) message.Subscriber {
	return &subscriber{r: r, opts: opts, closing: make(chan struct{})}
}

type subscriber struct {
	r       *Router
	opts    []Option
	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	open    sync.WaitGroup
}

// Subscribe joins the group; the channel is closed when ctx ends or after Close.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, broker.ErrClosed
	}
	h := s.r.private().newHandler("subscriber of "+topic, topics.Spec{Name: topic, Format: topics.Raw}, nil, false, s.opts)
	if h.cfg.group == "" {
		h.cfg.group = s.r.service
	}
	h.policy = outcome.Policy{Wait: h.cfg.backoff.Wait}
	h.info = h.describe()
	f := &feed{h: h, out: make(chan *message.Message), stop: make(chan struct{})}
	h.single = f.handle
	if err := s.r.ensure(ctx, &h.in); err != nil {
		return nil, err
	}
	m, err := s.r.broker.Join(ctx, broker.Group{Name: h.cfg.group, Broadcast: h.cfg.broadcast, Subscriptions: []broker.Subscription{h.subscription()}})
	if err != nil {
		return nil, err
	}
	s.open.Go(func() { f.serve(ctx, s.closing, m) })
	return f.out, nil
}

// SubscribeInitialize creates the topic, unless topics are required to exist.
func (s *subscriber) SubscribeInitialize(topic string) error {
	spec := s.r.specOf(topics.Spec{Name: topic, Format: topics.Raw})
	return s.r.ensure(context.Background(), &spec)
}

// Close ends all subscriptions.
func (s *subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.open.Wait()
	return nil
}

// feed is one subscription.
type feed struct {
	h    *handler
	out  chan *message.Message
	stop chan struct{} // nobody takes messages any more
}

func (f *feed) serve(ctx context.Context, closing <-chan struct{}, m broker.Member) {
	select {
	case <-ctx.Done():
	case <-closing:
	case err := <-m.Failed():
		f.h.r.log.Error("subscription failed", slog.String("topic", f.h.in.Name), slog.String("error", errorText(err)))
	}
	close(f.stop)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.h.r.conv.ShutdownTimeout)
	defer cancel()
	if err := m.Close(drain); err != nil {
		f.h.r.log.Error("subscription did not close in order", slog.String("topic", f.h.in.Name), slog.String("error", errorText(err)))
	}
	close(f.out)
}

// handle hands one message over and waits for its acknowledgement.
func (f *feed) handle(d broker.Delivery) {
	c := f.h.begin(d)
	ctx, cancel := context.WithCancel(c)
	defer cancel()
	m := message.NewMessage(c.id(), c.rec.Value)
	m.Metadata = c.rec.Headers.Map()
	if len(c.rec.Key) > 0 {
		m.Metadata.Set(KeyMetadata, string(c.rec.Key))
	}
	m.SetContext(ctx)
	select {
	case f.out <- m:
	case <-f.stop:
		c.giveBack()
		return
	}
	select {
	case <-m.Acked():
		c.finish(nil)
	case <-m.Nacked():
		d.Park(d.Attempt()+1, time.Now().Add(f.h.policy.Wait(d.Attempt())), time.Now())
	case <-d.Context().Done():
		c.giveBack()
	}
}

package stock_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/router/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// subscriber is a stock subscriber of one partition: a message is in flight until it is
// acknowledged, and an acknowledgement that finds it closing is lost.
type subscriber struct {
	queue   []*message.Message
	taken   chan *message.Message // acknowledged
	closing chan struct{}
	running sync.WaitGroup
	out     chan *message.Message
}

func newSubscriber(ms ...*message.Message) *subscriber {
	return &subscriber{queue: ms, taken: make(chan *message.Message, len(ms)), closing: make(chan struct{}), out: make(chan *message.Message)}
}

func (s *subscriber) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	s.running.Go(func() {
		defer close(s.out)
		for _, m := range s.queue {
			if !s.deliver(ctx, m) {
				return
			}
		}
		<-s.closing
	})
	return s.out, nil
}

func (s *subscriber) deliver(ctx context.Context, m *message.Message) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.SetContext(ctx)
	select {
	case s.out <- m:
	case <-s.closing:
		return false
	}
	select {
	case <-s.closing:
		return false
	case <-m.Acked():
	}
	select {
	case <-s.closing: // the adapters choose at random here
		return false
	default:
		s.taken <- m
		return true
	}
}

func (s *subscriber) Close() error {
	close(s.closing)
	s.running.Wait()
	return nil
}

// broken never subscribes.
type broken struct{ *subscriber }

var errBroken = errors.New("broken")

func (broken) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return nil, errBroken
}

// publisher is a stock publisher that asks f.
type publisher struct {
	f      func(topic string, r *broker.Record) error
	closed bool
}

func (p *publisher) Publish(topic string, ms ...*message.Message) error {
	for _, m := range ms {
		if err := p.f(topic, outgoing(m)); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) Close() error { p.closed = true; return nil }

package router

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/internal/funcname"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Handle registers a plain Watermill handler with the same options and semantics as typed
// ones: order per key, retries without holding a worker, dead letters. It runs in a
// message.Router fed by the delivery engine; the payload is not decoded.
func (r *Router) Handle(topic string, h message.NoPublishHandlerFunc, opts ...Option) {
	spec, declared := r.declared[topic]
	if !declared {
		spec = topics.Spec{Name: topic, Kind: topics.KindEvent, Format: topics.Raw}
	}
	hd := r.newHandler(funcname.Of(h), spec, nil, false, opts)
	if n := len(hd.cfg.onError) + len(hd.cfg.onDead) + len(hd.cfg.onSuccess) + len(hd.cfg.onDone); n > 0 {
		hd.cfg.faults = append(hd.cfg.faults, errors.New("hooks belong to typed handlers, a plain one sees its own errors"))
	}
	hd.plain = &plain{h: hd, fn: h, out: make(chan *message.Message)}
	hd.single = hd.plain.handle
	r.add(hd)
}

// plain runs one handler in a message.Router; the engine's workers wait for its verdict.
type plain struct {
	h       *handler
	fn      message.NoPublishHandlerFunc
	out     chan *message.Message
	router  *message.Router
	stopped sync.WaitGroup
	once    sync.Once
}

type verdictKey struct{}

// start builds the router and returns when it takes messages.
func (p *plain) start() (err error) {
	log := watermill.NewSlogLogger(p.h.r.log.With(slog.String("component", "watermill")))
	p.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: time.Second}, quiet{log})
	if err != nil {
		return err
	}
	wh := p.router.AddConsumerHandler(p.h.info.Name, p.h.in.Name, p, p.call)
	wh.AddMiddleware(p.verdict)
	wh.AddMiddleware(p.h.middleware()...)
	p.stopped.Go(func() { _ = p.router.Run(context.Background()) })
	<-p.router.Running()
	return nil
}

func (p *plain) stop() error {
	if p.router == nil {
		return nil
	}
	p.once.Do(func() { close(p.out) })
	err := p.router.Close()
	p.stopped.Wait()
	return err
}

// Subscribe serves the router.
func (p *plain) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return p.out, nil
}

// Close serves the router: members are closed before.
func (p *plain) Close() error { return nil }

func (p *plain) call(m *message.Message) error { return p.fn(m) }

// verdict is the outermost middleware: it tells the worker how the handler ended.
func (p *plain) verdict(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		ended, _ := m.Context().Value(verdictKey{}).(chan<- error)
		c, _ := m.Context().Value(callKey{}).(*call)
		err := p.h.limited(m.Context(), c, func(ctx context.Context) error {
			m.SetContext(ctx)
			_, err := next(m)
			return err
		})
		ended <- err
		return nil, err
	}
}

// handle runs on a worker: it hands the message over and waits for the verdict.
func (p *plain) handle(d broker.Delivery) {
	c := p.h.begin(d)
	ended := make(chan error, 1)
	m := message.NewMessage(c.id(), c.rec.Value)
	m.Metadata = c.rec.Headers.Map()
	m.SetContext(context.WithValue(c, verdictKey{}, (chan<- error)(ended)))
	p.out <- m
	switch err := <-ended; {
	case c.interrupted():
		c.giveBack()
	case err != nil && !errors.Is(err, Skip):
		c.fail(err)
	default:
		c.finish(nil)
	}
}

// quiet drops what Watermill logs of failures: the router has its own words for them.
type quiet struct{ watermill.LoggerAdapter }

func (q quiet) Error(msg string, err error, fields watermill.LogFields) {
	q.Debug(msg+": "+errorText(err), fields)
}

func (q quiet) Info(msg string, fields watermill.LogFields) { q.Debug(msg, fields) }

package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

// produceOptions are the arguments of `chaos produce`.
type produceOptions struct {
	names
	lot
	log      string
	index    int // of this producer: its keys are its own
	messages int
	keys     int
	rate     int // messages per second; 0: as fast as it goes
}

// batchSize is how many messages one call publishes.
const batchSize = 50

// patience is how long a producer waits for one call before it takes the outcome for unknown.
const patience = 10 * time.Second

// producer publishes and logs what became of it.
type producer struct {
	o      produceOptions
	log    *Log
	broker broker.Broker
	pub    router.Publisher[Message]
}

func produce(ctx context.Context, o produceOptions) error {
	log, err := OpenLog(o.log)
	if err != nil {
		return err
	}
	c, err := app.New(app.Publish(o.in())).Open(ctx)
	if err != nil {
		return err
	}
	p := producer{o, log, c.Broker(), router.NewPublisher(c.Router(), o.in())}
	err = p.all(ctx)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	return errors.Join(err, c.Close(closing), log.Close())
}

// all publishes the messages, the keys in turn.
func (p producer) all(ctx context.Context) error {
	start := time.Now()
	for from := 0; from < p.o.messages; from += batchSize {
		if err := p.pace(ctx, start, from); err != nil {
			return err
		}
		if err := p.batch(ctx, from, min(from+batchSize, p.o.messages)); err != nil {
			return err
		}
	}
	return nil
}

func (p producer) pace(ctx context.Context, start time.Time, sent int) error {
	if p.o.rate <= 0 {
		return ctx.Err()
	}
	return wait(ctx, time.Until(start.Add(time.Duration(sent)*time.Second/time.Duration(p.o.rate))))
}

func (p producer) batch(ctx context.Context, from, to int) error {
	var ms, poison []Message
	var sends []Event
	for n := from; n < to; n++ {
		m := p.o.message(fmt.Sprintf("p%d-%d", p.o.index, n%p.o.keys), 1+n/p.o.keys)
		sends = append(sends, Event{Kind: Send, Stage: In, Key: m.Key, Seq: m.Seq, Hash: m.hash(), Fate: m.Fate})
		if m.Fate == Poison {
			poison = append(poison, m)
		} else {
			ms = append(ms, m)
		}
	}
	if err := p.log.Add(sends...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.log.Add(p.publish(ctx, ms)...); err != nil {
		return err
	}
	return p.log.Add(p.poison(ctx, poison)...)
}

// publish sends good messages and tells the outcome of each.
func (p producer) publish(ctx context.Context, ms []Message) []Event {
	var failed map[int]error
	if pe, ok := errors.AsType[*router.PublishError](p.pub.Publish(ctx, ms...)); ok {
		failed = pe.Failed
	}
	es := make([]Event, len(ms))
	for i, m := range ms {
		es[i] = p.ended(m, failed[i])
	}
	return es
}

// ended tells the outcome of one message, and says why it is not written.
func (p producer) ended(m Message, err error) Event {
	kind := outcome(err)
	if kind != Acked {
		slog.Warn("not acknowledged", "key", m.Key, "seq", m.Seq, "outcome", kind, "error", err)
	}
	return Event{Kind: kind, Stage: In, Key: m.Key, Seq: m.Seq}
}

func outcome(err error) Kind {
	switch {
	case err == nil:
		return Acked
	case errors.Is(err, broker.ErrOutcomeUnknown):
		return Unknown
	}
	return Failed
}

// poison sends bytes that nothing decodes, past the codec.
func (p producer) poison(ctx context.Context, ms []Message) (es []Event) {
	for _, m := range ms {
		rec := &broker.Record{Topic: p.o.in().Name, Key: []byte(m.Key), Value: m.poison()}
		result := make(chan error, 1)
		p.broker.Sends().Produce(ctx, rec, func(_ broker.Receipt, err error) { result <- err })
		err := broker.ErrOutcomeUnknown
		select {
		case err = <-result:
		case <-ctx.Done():
		}
		es = append(es, p.ended(m, err))
	}
	return es
}

// wait returns after d or with the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package routertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

var outputCases = []semantic{
	{"what a handler publishes belongs to its input", lineage},
	{"a message is done only when what its handler published is written", settledAfterOutputs},
	{"an output is sent until it is written, and the handler does not run again", outputAgain},
	{"OnSettled tells how each delivery ended", onSettled},
}

func lineage(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		err := router.Send(ctx, b.name("side"), map[string]any{"n": i.N})
		b.say("sent")
		return err
	})
	b.send(&item{Key: "a", N: 1})
	b.heard(1) // now the topic is there
	in, out := b.first(b.event().Name), b.first(b.name("side"))
	for _, name := range []string{"causation_id", "correlation_id"} {
		if got := header(out, name); got != in.ID || got == "" {
			b.Errorf("%s is %q, want %q", name, got, in.ID)
		}
	}
}

// settledAfterOutputs keeps the acknowledgement of the output until the handler returned.
func settledAfterOutputs(b *bench) {
	free := b.hold(b.name("side"))
	r := b.router()
	p := router.NewProducer(r)
	b.startWith(r, func(ctx context.Context, _ *item) error {
		broker.OnSettled(ctx, func(err error) { b.say("settled: %v", err) })
		p.SendAsync(ctx, b.name("side"), map[string]any{"n": 1}, nil)
		b.say("handled")
		time.AfterFunc(100*time.Millisecond, free)
		return nil
	})
	b.send(&item{Key: "a"})
	if diff := cmp.Diff([]string{"handled", "written", "settled: <nil>"}, b.heard(3)); diff != "" {
		b.Error(diff)
	}
}

func outputAgain(b *bench) {
	b.refuse(b.name("side"), 1)
	r := b.router()
	p := router.NewProducer(r)
	b.startWith(r, func(ctx context.Context, _ *item) error {
		broker.OnSettled(ctx, func(err error) { b.say("settled: %v", err) })
		b.say("handled, attempt %d", attempt(ctx))
		p.SendAsync(ctx, b.name("side"), map[string]any{"n": 1}, nil)
		return nil
	})
	b.send(&item{Key: "a"})
	want := []string{"handled, attempt 1", "refused 1", "written", "settled: <nil>"}
	if diff := cmp.Diff(want, b.heard(4)); diff != "" {
		b.Error(diff)
	}
	if n := len(b.all(b.name("side"))); n != 1 {
		b.Errorf("the output is there %d times", n)
	}
}

func onSettled(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		n := attempt(ctx)
		if !broker.OnSettled(ctx, func(err error) { b.say("%s%d attempt %d: %v", i.Key, i.N, n, err) }) {
			b.Error("the context belongs to no message")
		}
		if i.N == 0 {
			return errBusy
		}
		return nil
	}, router.Retry(1, router.Fixed(time.Millisecond)), router.NoDeadLetter())
	b.send(&item{Key: "a"})
	b.heard(2)
	b.send(&item{Key: "a", N: 1})
	want := []string{"a0 attempt 1: busy", "a0 attempt 2: <nil>", "a1 attempt 1: <nil>"} // dropped is finished
	lines := b.heard(3)
	slices.Sort(lines) // the second attempt may be over before the end of the first is told
	if diff := cmp.Diff(want, lines); diff != "" {
		b.Error(diff)
	}
}

// tampered is a broker whose outputs on one topic have a fate of their own.
type tampered struct {
	broker.Broker
	outputs broker.Producer
}

func (t tampered) Outputs() broker.Producer { return t.outputs }

// refuse lets the first n outputs on a topic fail.
func (b *bench) refuse(topic string, n int) {
	b.broker = tampered{b.broker, &refusing{Producer: b.broker.Outputs(), b: b, topic: topic, n: n}}
}

type refusing struct {
	broker.Producer
	b     *bench
	topic string
	n     int

	mu    sync.Mutex
	count int
}

func (p *refusing) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if r.Topic != p.topic {
		p.Producer.Produce(ctx, r, done)
		return
	}
	p.mu.Lock()
	p.count++
	count := p.count
	p.mu.Unlock()
	if count <= p.n {
		p.b.say("refused %d", count)
		done(broker.Receipt{}, fmt.Errorf("output %d: %w", count, errAway))
		return
	}
	p.Producer.Produce(ctx, r, func(rc broker.Receipt, err error) {
		p.b.say("written")
		done(rc, err)
	})
}

var errAway = errors.New("the broker is away")

// hold keeps the acknowledgements of outputs on a topic until free is called.
func (b *bench) hold(topic string) (free func()) {
	opened := make(chan struct{})
	free = sync.OnceFunc(func() { close(opened) })
	b.Cleanup(free)
	b.broker = tampered{b.broker, &holding{Producer: b.broker.Outputs(), b: b, topic: topic, opened: opened}}
	return free
}

type holding struct {
	broker.Producer
	b      *bench
	topic  string
	opened chan struct{}
}

func (p *holding) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if r.Topic != p.topic {
		p.Producer.Produce(ctx, r, done)
		return
	}
	p.Producer.Produce(ctx, r, func(rc broker.Receipt, err error) {
		go func() { // must not block
			<-p.opened
			p.b.say("written")
			done(rc, err)
		}()
	})
}

package routertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	t.Parallel()
	b := memory.New()
	Run(t, func(testing.TB) broker.Broker { return b })
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	names := Names()
	if got := slices.Compact(slices.Sorted(slices.Values(names))); len(got) != len(names) {
		t.Errorf("%d names for %d semantics", len(got), len(names))
	}
}

func TestUnknownNamesAreFaults(t *testing.T) {
	t.Parallel()
	s := newSuite(nil, []Option{Cannot("fly", "no wings"), Cannot(semantics[0].name, "known")})
	if got := s.unknown(); !slices.Equal(got, []string{"fly"}) {
		t.Errorf("unknown are %v", got)
	}
}

// defects are doors that forget one thing each, and the semantics that must notice.
var defects = []struct {
	name    string
	door    func(h handling) handling
	options func([]router.Option) []router.Option
	noticed []string
}{
	{"hides failures", func(h handling) handling {
		return func(ctx context.Context, i *item) error { _ = h(ctx, i); return nil }
	}, nil, []string{
		"a failure is tried again as often and as late as asked", "Permanent ends the attempts at once",
		"a dead letter is the message with all of its headers, and says what happened",
		"attempts are counted on after a restart",
	}},
	{"forgets what kind an error is", func(h handling) handling {
		return func(ctx context.Context, i *item) error {
			if err := h(ctx, i); err != nil {
				return errors.New(err.Error()) //nolint:err113 // that is the defect
			}
			return nil
		}
	}, nil, []string{"Permanent ends the attempts at once", "Skip finishes a message", "RetryAfter chooses the next wait"}},
	{"catches panics", func(h handling) handling {
		return func(ctx context.Context, i *item) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = fmt.Errorf("panic: %v", v)
				}
			}()
			return h(ctx, i)
		}
	}, nil, []string{"a panic is a failed attempt"}},
	{"has a context of its own", func(h handling) handling {
		return func(_ context.Context, i *item) error { return h(context.Background(), i) }
	}, nil, []string{
		"a handler knows its message", "what a handler publishes belongs to its input", "OnSettled tells how each delivery ended",
		"a message is done only when what its handler published is written",
	}},
	{"does not wait for its handler", func(h handling) handling {
		return func(ctx context.Context, i *item) error { go func() { _ = h(ctx, i) }(); return nil }
	}, nil, []string{
		"a timeout ends the context of an attempt, and its key waits until it returns",
		"a stop waits for running handlers, and what they finished does not come again",
	}},
	{"handles everything twice", func(h handling) handling {
		return func(ctx context.Context, i *item) error { return errors.Join(h(ctx, i), h(ctx, i)) }
	}, nil, []string{"order per key at concurrency 1", "order per key at concurrency 10", "order per key at concurrency 100", "messages without a key keep their order"}},
	{"sleeps in the handler", func(h handling) handling {
		return func(ctx context.Context, i *item) error {
			err := h(ctx, i)
			if err != nil {
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Second):
				}
			}
			return err
		}
	}, nil, []string{"a key that waits stops nobody else"}},
	{"has no tombstones", func(h handling) handling {
		return func(ctx context.Context, i *item) error {
			if i == nil {
				i = &item{}
			}
			return h(ctx, i)
		}
	}, nil, []string{"a tombstone has no value"}},
	{"ignores options", nil, func(opts []router.Option) []router.Option {
		return append(opts[:1:1], router.Retry(0, router.Backoff{}))
	}, []string{
		"middleware sees every attempt", "a failure is tried again as often and as late as asked",
		"a dead letter goes to the topic that was asked for",
		"different keys are handled side by side, up to the concurrency", "unordered messages without a key are handled side by side",
	}},
	{"keeps no dead letters", nil, func(opts []router.Option) []router.Option { return append(opts, router.NoDeadLetter()) }, []string{
		"what cannot be decoded becomes a dead letter with its bytes, and stops nobody",
		"a dead letter is sent until it is written, and the handler does not run again",
	}},
	{"has dead letters always", nil, func(opts []router.Option) []router.Option {
		return append(opts, router.Retry(5, router.Fixed(time.Millisecond)))
	}, []string{"without dead letters a message is dropped after its attempts"}},
	{"runs again for its outputs", func(h handling) handling {
		return func(ctx context.Context, i *item) error {
			if err := h(ctx, i); err != nil || attempt(ctx) > 1 {
				return err
			}
			return errBusy
		}
	}, nil, []string{"an output is sent until it is written, and the handler does not run again"}},
}

func TestDefectsAreNoticed(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	for _, d := range defects {
		for _, name := range d.noticed {
			running.Go(func() {
				t.Run(d.name+": "+name, func(t *testing.T) {
					if len(failures(t, name, memory.New(), defective(d.door, d.options))) == 0 {
						t.Error("the semantic is met")
					}
				})
			})
		}
	}
	running.Wait()
}

const atLoad = "of two thousand messages each is handled or a dead letter, once and in order"

// brokerDefects are brokers that end deliveries in another way than they are told to, or change dead letters.
var brokerDefects = []struct {
	name    string
	change  func(broker.Delivery) broker.Delivery
	letters func(r *broker.Record, write func(*broker.Record), done func(broker.Receipt, error))
	noticed []string
}{
	{"loses one dead letter in twenty", nil, everyTwentieth(func(_ *broker.Record, _ func(*broker.Record), done func(broker.Receipt, error)) {
		done(broker.Receipt{Offset: "0"}, nil)
	}), []string{atLoad}},
	{"writes one dead letter in twenty twice", nil, everyTwentieth(func(r *broker.Record, write func(*broker.Record), _ func(broker.Receipt, error)) {
		again := *r
		write(r)
		write(&again)
	}), []string{atLoad}},
	{"changes one dead letter in twenty", nil, everyTwentieth(func(r *broker.Record, write func(*broker.Record), _ func(broker.Receipt, error)) {
		r.Value = append(slices.Clip(r.Value), ' ')
		write(r)
	}), []string{atLoad}},
	{"drops a header of one dead letter in twenty", nil, everyTwentieth(func(r *broker.Record, write func(*broker.Record), _ func(broker.Receipt, error)) {
		r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h broker.Header) bool { return h.Key == "number" })
		write(r)
	}), []string{atLoad}},
	{"gives up one retry in ten", everyTenth(func(d broker.Delivery, _ int, _, _ time.Time) { d.Done() }), nil, []string{atLoad}},
	{"tries one retry in ten once more", everyTenth(func(d broker.Delivery, attempt int, due, failed time.Time) {
		d.Park(attempt-1, due, failed)
	}), nil, []string{atLoad}},
	{"tries too soon", func(d broker.Delivery) broker.Delivery {
		return parking{d, func(attempt int, _, failed time.Time) { d.Park(attempt, time.Time{}, failed) }}
	}, nil, []string{"a failure is tried again as often and as late as asked"}},
	{"forgets attempts", func(d broker.Delivery) broker.Delivery { return first{d} }, nil, []string{
		"a failure is tried again as often and as late as asked", "attempts are counted on after a restart",
	}},
	{"forgets when a message first failed", func(d broker.Delivery) broker.Delivery { return young{d} }, nil, []string{
		"a dead letter is the message with all of its headers, and says what happened",
	}},
	{"runs two of a key at once", func(d broker.Delivery) broker.Delivery { d.Release(); return d }, nil, []string{
		"order per key at concurrency 10", "order per key at concurrency 100",
	}},
	{"drops acknowledgements", func(d broker.Delivery) broker.Delivery { return neverDone{d} }, nil, []string{
		"nothing finished comes again after a stop while another key waits",
		"a stop waits for running handlers, and what they finished does not come again",
	}},
	{"finishes what is given back", func(d broker.Delivery) broker.Delivery { return returnIsDone{d} }, nil, []string{
		"an attempt that a stop interrupts is none",
	}},
}

type neverDone struct{ broker.Delivery }

func (d neverDone) Done() { d.Release() }

type returnIsDone struct{ broker.Delivery }

func (d returnIsDone) Return() { d.Done() }

// everyTwentieth does something else with every twentieth dead letter.
func everyTwentieth(do func(r *broker.Record, write func(*broker.Record), done func(broker.Receipt, error))) func(*broker.Record, func(*broker.Record), func(broker.Receipt, error)) {
	var count atomic.Int64
	return func(r *broker.Record, write func(*broker.Record), done func(broker.Receipt, error)) {
		if count.Add(1)%20 == 0 {
			do(r, write, done)
			return
		}
		write(r)
	}
}

// everyTenth does something else with every tenth Park.
func everyTenth(do func(d broker.Delivery, attempt int, due, failed time.Time)) func(broker.Delivery) broker.Delivery {
	var count atomic.Int64
	return func(d broker.Delivery) broker.Delivery {
		return parking{d, func(attempt int, due, failed time.Time) {
			if count.Add(1)%10 == 0 {
				do(d, attempt, due, failed)
				return
			}
			d.Park(attempt, due, failed)
		}}
	}
}

type parking struct {
	broker.Delivery
	park func(attempt int, due, failed time.Time)
}

func (p parking) Park(attempt int, due, failed time.Time) { p.park(attempt, due, failed) }

type first struct{ broker.Delivery }

func (first) Attempt() int { return 1 }

type young struct{ broker.Delivery }

func (young) FirstFailed() time.Time { return time.Time{} }

// changing is a broker whose deliveries and dead letters are changed.
type changing struct {
	broker.Broker
	change  func(broker.Delivery) broker.Delivery
	letters func(r *broker.Record, write func(*broker.Record), done func(broker.Receipt, error))
}

func (c changing) Outputs() broker.Producer { return burying{c.Broker.Outputs(), c} }

type burying struct {
	broker.Producer
	c changing
}

func (p burying) Produce(ctx context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	if p.c.letters == nil || !strings.HasSuffix(r.Topic, ".dlq") {
		p.Producer.Produce(ctx, r, done)
		return
	}
	once := sync.Once{}
	written := func(rc broker.Receipt, err error) { once.Do(func() { done(rc, err) }) }
	copied := *r
	p.c.letters(&copied, func(r *broker.Record) { p.Producer.Produce(ctx, r, written) }, written)
}

func (c changing) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	g.Subscriptions = slices.Clone(g.Subscriptions)
	for i := range g.Subscriptions {
		handle := g.Subscriptions[i].Handle
		if c.change == nil {
			continue
		}
		g.Subscriptions[i].Handle = func(d broker.Delivery) { handle(c.change(d)) }
	}
	return c.Broker.Join(ctx, g)
}

func TestDefectsOfBrokersAreNoticed(t *testing.T) {
	t.Parallel()
	for _, d := range brokerDefects {
		for _, name := range d.noticed {
			t.Run(d.name+": "+name, func(t *testing.T) {
				t.Parallel()
				if len(failures(t, name, changing{memory.New(), d.change, d.letters}, doors[0])) == 0 {
					t.Error("the semantic is met")
				}
			})
		}
	}
}

// TestEverySemanticNoticesADefect keeps a semantic from being met by everything.
func TestEverySemanticNoticesADefect(t *testing.T) {
	t.Parallel()
	noticed := map[string]bool{}
	for _, d := range defects {
		for _, name := range d.noticed {
			noticed[name] = true
		}
	}
	for _, d := range brokerDefects {
		for _, name := range d.noticed {
			noticed[name] = true
		}
	}
	for _, name := range Names() {
		if !noticed[name] {
			t.Errorf("no defect is noticed by %q", name)
		}
	}
}

func defective(wrap func(handling) handling, options func([]router.Option) []router.Option) door {
	d := doors[0]
	whole := d.register
	d.register = func(b *bench, r *router.Router, in topics.Topic[*item], h handling, opts ...router.Option) {
		if wrap != nil {
			h = wrap(h)
		}
		if options != nil {
			opts = options(opts)
		}
		whole(b, r, in, h, opts...)
	}
	return d
}

// failures tries a semantic through a door and returns what it says against it.
func failures(t *testing.T, name string, b broker.Broker, d door) []string {
	t.Helper()
	s := newSuite(func(testing.TB) broker.Broker { return b }, []Option{Patience(2 * time.Second)})
	r := &recorder{TB: t}
	at := slices.IndexFunc(semantics, func(c semantic) bool { return c.name == name })
	if at < 0 {
		t.Fatalf("there is no semantic %q", name)
	}
	ended := make(chan struct{})
	go func() { // a fatal failure ends the goroutine
		defer close(ended)
		defer r.end()
		semantics[at].run(newBench(r, s, d))
	}()
	<-ended
	return r.all()
}

// recorder stands in for a testing.T and keeps its failures to itself.
type recorder struct {
	testing.TB

	mu       sync.Mutex
	faults   []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Context() context.Context          { return context.WithoutCancel(r.TB.Context()) }

func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.faults)
}

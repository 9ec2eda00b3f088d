package router_test

import (
	"context"
	"iter"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// What the router itself costs for each message: the broker of these benchmarks delivers
// what it is told to and has written everything at once.

type placed struct {
	ID     int64   `json:"id"`
	Key    string  `json:"key"`
	Amount float64 `json:"amount"`
	Body   string  `json:"body"`
}

func placedKey(p placed) string { return p.Key }

var (
	placedTopic  = topics.Event[placed]{Name: "placed", Key: placedKey}
	chargedTopic = topics.Event[placed]{Name: "charged", Key: placedKey}
	onePlaced    = placed{ID: 1234567, Key: "customer-42", Amount: 12.5, Body: "sixty bytes of text that somebody wrote, more or less, say"}
)

func BenchmarkConsume(b *testing.B) {
	deliveries(b, func(r *router.Router) {
		router.Consume(r, placedTopic, func(context.Context, placed) error { return nil }, router.Name("h"))
	})
}

func BenchmarkWork(b *testing.B) {
	deliveries(b, func(r *router.Router) {
		router.Work(r, placedTopic, chargedTopic, func(_ context.Context, p placed) (placed, error) { return p, nil }, router.Name("h"))
	})
}

func BenchmarkWorkWithMiddleware(b *testing.B) {
	deliveries(b, func(r *router.Router) {
		r.Use(func(h message.HandlerFunc) message.HandlerFunc { return h })
		router.Work(r, placedTopic, chargedTopic, func(_ context.Context, p placed) (placed, error) { return p, nil }, router.Name("h"))
	})
}

func BenchmarkWorkBatch(b *testing.B) {
	deliveries(b, func(r *router.Router) {
		router.WorkBatch(r, placedTopic, chargedTopic, func(_ context.Context, ps []placed) ([]placed, error) { return ps, nil }, router.Name("h"), router.BatchSize(100))
	})
}

func BenchmarkHandle(b *testing.B) {
	deliveries(b, func(r *router.Router) {
		r.Handle("placed", func(*message.Message) error { return nil }, router.Name("h"))
	})
}

func BenchmarkPublish(b *testing.B) {
	p := router.NewPublisher(router.New(instant{}), placedTopic)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Publish(b.Context(), onePlaced); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPublishThousand(b *testing.B) {
	p := router.NewPublisher(router.New(instant{}), placedTopic)
	vs := make([]placed, 1000)
	for i := range vs {
		vs[i] = onePlaced
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Publish(b.Context(), vs...); err != nil {
			b.Fatal(err)
		}
	}
}

// deliveries measures a message from its delivery to its end.
func deliveries(b *testing.B, declare func(*router.Router)) {
	b.Helper()
	joined := make(chan broker.Subscription, 1)
	r := router.New(instant{joined: joined}, router.Service("bench"), router.Logger(slog.New(slog.DiscardHandler)))
	declare(r)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	s := <-joined
	<-r.Running()
	d := &delivered{rec: &broker.Record{
		Topic:  "placed",
		Offset: "12345678", Key: []byte(onePlaced.Key), Time: time.Now(), ID: "019ac1d0-7f2a-7c4e-9d3b-2f6a1b0c4d5e",
		Value: []byte(`{"id":1234567,"key":"customer-42","amount":12.5,"body":"sixty bytes of text that somebody wrote, more or less, say"}`),
		Headers: broker.Headers{
			{Key: "content-type", Value: []byte("application/json")},
			{Key: "leat-type", Value: []byte("placed")},
			{Key: "correlation_id", Value: []byte("019ac1d0-7f2a-7c4e-9d3b-2f6a1b0c4d5e")},
		},
	}}
	b.ReportAllocs()
	run(b, &s, d)
	b.StopTimer()
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func run(b *testing.B, s *broker.Subscription, d *delivered) {
	b.Helper()
	if s.HandleBatch == nil {
		for b.Loop() {
			s.Handle(d)
		}
		return
	}
	n := 0
	for b.Loop() {
		if n++; n%s.BatchSize > 0 {
			continue
		}
		ds := make([]broker.Delivery, s.BatchSize)
		for i := range ds {
			ds[i] = d
		}
		s.HandleBatch(ds)
	}
}

// delivered is a delivery that ends without anybody noticing.
type delivered struct{ rec *broker.Record }

func (d *delivered) Record() *broker.Record       { return d.rec }
func (*delivered) Attempt() int                   { return 1 }
func (*delivered) FirstFailed() time.Time         { return time.Time{} }
func (*delivered) Context() context.Context       { return context.Background() }
func (*delivered) Release()                       {}
func (*delivered) Hold()                          {}
func (*delivered) Then(f func())                  { f() }
func (*delivered) Done()                          {}
func (*delivered) Park(int, time.Time, time.Time) { panic("parked: " + strconv.Itoa(1)) }
func (*delivered) Return()                        { panic("returned") }

// instant is a broker that has written everything at once.
type instant struct{ joined chan broker.Subscription }

func (instant) Name() string                  { return "instant" }
func (instant) Connect(context.Context) error { return nil }
func (instant) Ping(context.Context) error    { return nil }
func (b instant) Sends() broker.Producer      { return b }
func (b instant) Outputs() broker.Producer    { return b }
func (instant) Check(*broker.Record) error    { return nil }
func (instant) Timeout() time.Duration        { return 2 * time.Minute }
func (instant) Flush(context.Context) error   { return nil }
func (instant) Close(context.Context) error   { return nil }
func (instant) Ready() bool                   { return true }
func (instant) Failed() <-chan error          { return nil }

func (instant) Produce(_ context.Context, r *broker.Record, done func(broker.Receipt, error)) {
	done(broker.Receipt{Topic: r.Topic}, nil)
}

func (instant) ProduceAll(_ context.Context, rs []*broker.Record, done func(int, broker.Receipt, error)) {
	for i, r := range rs {
		done(i, broker.Receipt{Topic: r.Topic}, nil)
	}
}

func (b instant) Join(_ context.Context, g broker.Group) (broker.Member, error) {
	b.joined <- g.Subscriptions[0]
	return b, nil
}

func (instant) Read(context.Context, broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	return func(func(*broker.Record, error) bool) {}
}
func (instant) Topics(context.Context) ([]broker.TopicInfo, error)        { return nil, nil }
func (instant) CreateTopics(context.Context, ...broker.TopicConfig) error { return nil }

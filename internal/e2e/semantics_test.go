package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/kafka/sarama"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/router/broker/redis/redisstream"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// backend makes brokers that see the same messages; stock ones keep fewer promises.
type backend struct {
	name  string
	stock bool
	open  func(t testing.TB) broker.Broker
}

func backends() []backend {
	shared := memory.New()
	return []backend{
		{"memory", false, func(testing.TB) broker.Broker { return shared }},
		{"kafka", false, func(t testing.TB) broker.Broker { t.Helper(); return must(kafka.New(kafkaSettings(t)))(t) }},
		{"redis", false, func(t testing.TB) broker.Broker { t.Helper(); return must(redis.New(redisSettings(t)))(t) }},
		{"sarama", true, func(t testing.TB) broker.Broker { t.Helper(); return must(sarama.New(kafkaSettings(t)))(t) }},
		{"redisstream", true, func(t testing.TB) broker.Broker { t.Helper(); return must(redisstream.New(redisSettings(t)))(t) }},
	}
}

func must[B broker.Broker](b B, err error) func(testing.TB) broker.Broker {
	return func(t testing.TB) broker.Broker {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close(context.Background()) })
		return b
	}
}

func kafkaSettings(t testing.TB) settings.Kafka {
	t.Helper()
	s := settings.Default().Kafka
	s.Enabled, s.BootstrapServers = true, testservers.KafkaFor(t).Brokers
	return s
}

func redisSettings(t testing.TB) settings.Redis {
	t.Helper()
	s := settings.Default().Redis
	s.Enabled, s.URL = true, settings.URL(testservers.RedisFor(t).URL())
	s.Lease = 3 * time.Second
	return s
}

// story is one test of meaning, told on a broker with names of its own.
type story struct {
	*testing.T
	open   func() broker.Broker
	b      broker.Broker
	prefix string
	mu     sync.Mutex
	log    []string
}

func tell(t *testing.T, own bool, f func(s *story)) {
	t.Helper()
	for _, be := range backends() {
		if own && be.stock {
			continue // declared: attempts and finished work above a gap do not survive a restart on stock adapters
		}
		t.Run(be.name, func(t *testing.T) {
			t.Parallel()
			s := &story{T: t, prefix: strings.ToLower(testservers.Unique(t, "s"))}
			s.open = func() broker.Broker { return be.open(t) }
			s.b = s.open()
			f(s)
		})
	}
}

func (s *story) router() *router.Router {
	return router.New(s.b, router.Service(s.prefix), router.Logger(slog.New(slog.DiscardHandler)))
}

func (s *story) name(n string) string { return s.prefix + "-" + n }

func (s *story) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// heard waits until n lines were said and returns them.
func (s *story) heard(n int) []string {
	s.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		s.mu.Lock()
		log := slices.Clone(s.log)
		s.mu.Unlock()
		if len(log) >= n {
			return log
		}
		if time.Now().After(deadline) {
			s.Fatalf("heard %d of %d lines: %q", len(log), n, log)
		}
	}
}

func (s *story) run(r *router.Router) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Running():
	case err := <-ended:
		s.Fatalf("did not start: %v", err)
	case <-time.After(time.Minute):
		s.Fatal("did not start within a minute")
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				s.Errorf("stopped with %v", err)
			}
		})
	}
	s.Cleanup(stop)
	return stop
}

// read returns the first n records of a topic.
func (s *story) read(topic string, n int) (recs []*broker.Record) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	for rec, err := range s.b.Read(ctx, broker.ReadOptions{Topics: []string{topic}, Start: broker.StartEarliest}) {
		if err != nil {
			s.Fatal(err)
		}
		if recs = append(recs, rec); len(recs) == n {
			return recs
		}
	}
	s.Fatalf("read %d of %d records of %s", len(recs), n, topic)
	return nil
}

func (s *story) raw(topic, key string, value []byte) {
	s.Helper()
	done := make(chan error, 1)
	s.b.Sends().Produce(s.Context(), &broker.Record{Topic: topic, Key: []byte(key), Value: value}, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		s.Fatal(err)
	}
}

type item struct {
	Key   string `json:"key"`
	N     int    `json:"n"`
	Email string `json:"email,omitempty" validate:"omitempty,email"`
}

func (i item) String() string { return fmt.Sprintf("%s%d", i.Key, i.N) }

type result struct{ Of string }

func (s *story) items() topics.Event[item] {
	return topics.Event[item]{Name: s.name("in"), Key: func(i item) string { return i.Key }, Partitions: 1}
}

func (s *story) results(n string) topics.Event[result] {
	return topics.Event[result]{Name: s.name(n), Partitions: 1}
}

func send[T any](s *story, r *router.Router, t topics.Topic[T], vs ...T) {
	s.Helper()
	if err := router.NewPublisher(r, t).Publish(s.Context(), vs...); err != nil {
		s.Fatal(err)
	}
}

func headerOf(r *broker.Record, name string) string {
	v, _ := r.Headers.Get(name)
	return string(v)
}

var errBusy = errors.New("busy")

func TestFailuresAreRetriedAndBuried(t *testing.T) {
	tell(t, false, func(s *story) {
		in := s.items()
		r := s.router()
		var begin time.Time
		router.Consume(r, in, func(ctx context.Context, i item) error {
			if i.Key == "bad" {
				if router.Meta(ctx).Attempt == 1 {
					begin = time.Now()
				}
				s.say("attempt %d after %.1f s", router.Meta(ctx).Attempt, time.Since(begin).Seconds())
				return errBusy
			}
			return nil
		}, router.Name("h"), router.Retry(3, router.Exponential(200*time.Millisecond)),
			router.OnDead(func(_ context.Context, i item, err error) { s.say("dead %s: %v", i, err) }))
		s.run(r)
		send(s, r, in, item{Key: "bad"})
		want := []string{"attempt 1 after 0.0 s", "attempt 2 after 0.2 s", "attempt 3 after 0.6 s", "attempt 4 after 1.4 s", "dead bad0: busy"}
		if diff := cmp.Diff(want, s.heard(5)); diff != "" {
			s.Error(diff)
		}
		dead, was := s.read(in.Name+".dlq", 1)[0], s.read(in.Name, 1)[0]
		if string(dead.Value) != string(was.Value) || string(dead.Key) != "bad" || dead.ID != was.ID {
			s.Errorf("dead letter %+v of %+v", dead, was)
		}
		for k, v := range map[string]string{
			"leat-error": "busy", "leat-error-kind": "handler", "leat-attempts": "4", "leat-handler": "h",
			"leat-original-topic": in.Name, "leat-original-offset": was.Offset, "leat-original-partition": "0", "leat-group": s.prefix,
		} {
			if got := headerOf(dead, k); got != v {
				s.Errorf("%s is %q, want %q", k, got, v)
			}
		}
	})
}

func TestPoisonStopsNobody(t *testing.T) {
	tell(t, false, func(s *story) {
		in := s.items()
		r := s.router()
		router.Consume(r, in, func(_ context.Context, i item) error {
			if i.N == 7 {
				panic("seven")
			}
			s.say("%s", i)
			return nil
		}, router.Name("h"), router.Retry(0, router.Backoff{}))
		s.run(r)
		s.raw(in.Name, "a", []byte("\xff\x00 no JSON"))
		s.raw(in.Name, "b", []byte(`{"key":"b","email":"nobody"}`))
		send(s, r, in, item{Key: "c", N: 7}, item{Key: "d", N: 1})
		if diff := cmp.Diff([]string{"d1"}, s.heard(1)); diff != "" {
			s.Error(diff)
		}
		kinds := map[string]string{}
		for _, d := range s.read(in.Name+".dlq", 3) {
			kinds[string(d.Key)] = headerOf(d, "leat-error-kind") + " " + string(d.Value[:2])
		}
		if diff := cmp.Diff(map[string]string{"a": "decode \xff\x00", "b": `invalid {"`, "c": `panic {"`}, kinds); diff != "" {
			s.Error(diff)
		}
	})
}

func TestResultsFollowTheirInput(t *testing.T) {
	tell(t, false, func(s *story) {
		in, out := s.items(), s.results("out")
		r := s.router()
		router.Work(r, in, out, func(ctx context.Context, i item) (result, error) {
			if i.N == 0 {
				return result{}, router.Skip
			}
			return result{i.String()}, router.Send(ctx, s.name("side"), map[string]any{"n": i.N})
		}, router.Name("w"), router.OnSuccess(func(_ context.Context, i item, o result) { s.say("%s gave %s", i, o.Of) }),
			router.OnDone(func(_ context.Context, i item) { s.say("done %s", i) }))
		router.Consume(r, out, func(ctx context.Context, o result) error {
			s.say("got %s with key %s", o.Of, router.Meta(ctx).Key)
			return nil
		}, router.Name("c"))
		s.run(r)
		send(s, r, in, item{Key: "k", N: 0}, item{Key: "k", N: 1})
		lines := s.heard(4)
		slices.Sort(lines)
		if diff := cmp.Diff([]string{"done k0", "done k1", "got k1 with key k", "k1 gave k1"}, lines); diff != "" {
			s.Error(diff)
		}
		was := s.read(in.Name, 2)[1]
		for _, topic := range []string{out.Name, s.name("side")} {
			if rec := s.read(topic, 1)[0]; headerOf(rec, "causation_id") != was.ID || headerOf(rec, "correlation_id") != was.ID {
				s.Errorf("%s: %v", topic, rec.Headers.Map())
			}
		}
	})
}

func TestKeysKeepTheirOrderAtAnyConcurrency(t *testing.T) {
	tell(t, false, func(s *story) {
		in := s.items()
		r := s.router()
		var mu sync.Mutex
		running := map[string]bool{}
		router.Consume(r, in, func(ctx context.Context, i item) error {
			mu.Lock()
			if running[i.Key] {
				s.Errorf("two handlers of key %s at once", i.Key)
			}
			running[i.Key] = true
			mu.Unlock()
			defer func() { mu.Lock(); running[i.Key] = false; mu.Unlock() }()
			if i.N == 3 && router.Meta(ctx).Attempt == 1 {
				return errBusy
			}
			s.say("%s", i)
			return nil
		}, router.Name("h"), router.Concurrency(10), router.Retry(3, router.Fixed(50*time.Millisecond)))
		s.run(r)
		var vs []item
		for n := range 20 {
			for k := range 10 {
				vs = append(vs, item{Key: string(rune('a' + k)), N: n})
			}
		}
		send(s, r, in, vs...)
		per := map[byte][]string{}
		for _, l := range s.heard(200) {
			per[l[0]] = append(per[l[0]], l)
		}
		for k, lines := range per {
			for n, l := range lines {
				if l != fmt.Sprintf("%c%d", k, n) {
					s.Errorf("key %c: %v", k, lines)
					break
				}
			}
		}
	})
}

func TestBatchesHoldOnEveryBroker(t *testing.T) {
	tell(t, true, func(s *story) { // a stock adapter has one message in flight per partition: batches of one
		in, out := s.items(), s.results("out")
		r := s.router()
		router.WorkBatch(r, in, out, func(ctx context.Context, is []item) ([]result, error) {
			rs, failed := make([]result, len(is)), router.BatchErrors{}
			for i, v := range is {
				rs[i] = result{v.String()}
				if v.N == 1 && router.Batch(ctx)[i].Attempt == 1 {
					failed[i] = errBusy
				}
			}
			if len(failed) > 0 {
				return rs, failed
			}
			return rs, nil
		}, router.Name("w"), router.BatchSize(10), router.BatchWait(100*time.Millisecond), router.Retry(1, router.Fixed(50*time.Millisecond)))
		s.run(r)
		var vs []item
		for n := range 4 {
			vs = append(vs, item{Key: "a", N: n}, item{Key: "b", N: n})
		}
		send(s, r, in, vs...)
		per := map[string]string{}
		for _, rec := range s.read(out.Name, 8) {
			per[string(rec.Key)] += string(rec.Value)
		}
		want := map[string]string{}
		for _, k := range []string{"a", "b"} {
			for n := range 4 {
				want[k] += fmt.Sprintf(`{"Of":"%s%d"}`, k, n)
			}
		}
		if diff := cmp.Diff(want, per); diff != "" {
			s.Error(diff)
		}
	})
}

func TestTombstonesOnEveryBroker(t *testing.T) {
	tell(t, false, func(s *story) {
		state := topics.State[*item]{Name: s.name("state"), Key: func(i *item) string { return i.Key }, Partitions: 1}
		r := s.router()
		router.Consume(r, state, func(ctx context.Context, i *item) error {
			s.say("%s %v", router.Meta(ctx).Key, i)
			return nil
		}, router.Name("h"))
		s.run(r)
		p := router.NewPublisher(r, state)
		if err := p.Publish(s.Context(), &item{Key: "a", N: 1}); err != nil {
			s.Fatal(err)
		}
		s.heard(1)
		if err := p.Delete(s.Context(), "a"); err != nil {
			s.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a a1", "a <nil>"}, s.heard(2)); diff != "" {
			s.Error(diff)
		}
	})
}

func TestPlainHandlersOnEveryBroker(t *testing.T) {
	tell(t, false, func(s *story) {
		in := s.items()
		r := s.router()
		router.NewPublisher(r, in)
		r.Handle(in.Name, func(m *message.Message) error {
			s.say("%s %d", m.Payload, router.Meta(m.Context()).Attempt)
			return errBusy
		}, router.Name("h"), router.Retry(1, router.Fixed(50*time.Millisecond)))
		s.run(r)
		send(s, r, in, item{Key: "a"})
		if diff := cmp.Diff([]string{`{"key":"a","n":0} 1`, `{"key":"a","n":0} 2`}, s.heard(2)); diff != "" {
			s.Error(diff)
		}
		if got := headerOf(s.read(in.Name+".dlq", 1)[0], "leat-error-kind"); got != "handler" {
			s.Errorf("kind %s", got)
		}
	})
}

func TestPullLoopsOnEveryBroker(t *testing.T) {
	tell(t, false, func(s *story) {
		in := s.items()
		r := s.router()
		router.NewPublisher(r, in)
		if err := s.b.Connect(s.Context()); err != nil {
			s.Fatal(err)
		}
		if err := s.b.CreateTopics(s.Context(), r.Plan()...); err != nil {
			s.Fatal(err)
		}
		send(s, r, in, item{Key: "a", N: 0}, item{Key: "a", N: 1})
		for d, err := range router.Messages(s.Context(), r, in, router.Group(s.name("pull")), router.Retry(3, router.Fixed(50*time.Millisecond))) {
			if err != nil {
				s.Fatal(err)
			}
			s.say("%s %d", d.Value, d.Meta.Attempt)
			if d.Value.N == 0 && d.Meta.Attempt == 1 {
				d.Nack(errBusy)
				continue
			}
			d.Ack()
			if d.Value.N == 1 {
				break
			}
		}
		if diff := cmp.Diff([]string{"a0 1", "a0 2", "a1 1"}, s.heard(3)); diff != "" {
			s.Error(diff)
		}
	})
}

func TestARestartRepeatsNothingAndCountsOn(t *testing.T) {
	tell(t, true, func(s *story) {
		in := s.items()
		begin := func() func() {
			s.b = s.open()
			r := s.router()
			router.Consume(r, in, func(ctx context.Context, i item) error {
				s.say("%s %d", i, router.Meta(ctx).Attempt)
				if i.Key == "wait" && router.Meta(ctx).Attempt < 3 {
					return router.RetryAfter(300*time.Millisecond, errBusy)
				}
				return nil
			}, router.Name("h"))
			return s.run(r)
		}
		stop := begin()
		send(s, s.router(), in, item{Key: "wait"}, item{Key: "a", N: 1}, item{Key: "a", N: 2}, item{Key: "b", N: 1})
		s.heard(4)
		stop()
		stop = begin()
		s.heard(5)
		stop()
		begin()
		send(s, s.router(), in, item{Key: "end"})
		lines := s.heard(7)
		slices.Sort(lines)
		if diff := cmp.Diff([]string{"a1 1", "a2 1", "b1 1", "end0 1", "wait0 1", "wait0 2", "wait0 3"}, lines); diff != "" {
			s.Error(diff)
		}
	})
}

package kafka_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

// fake is a cluster that can be told to misbehave.
func fake(t *testing.T, change ...func(*settings.Kafka)) (*kfake.Cluster, *kafka.Broker) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "t"), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cfg := config(c.ListenAddrs())
	for _, f := range change {
		f(&cfg)
	}
	return c, openBroker(t, cfg)
}

func TestConcurrentPublishesShareRequests(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	const callers, each = 64, 50
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if err := produceOne(t, b.Sends(), &broker.Record{Topic: "t", Value: []byte("v")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := h.Hits(); n > callers*each/2 {
		t.Errorf("%d requests for %d messages", n, callers*each)
	}
}

// What is published while another message lingers goes with it.
func TestLingeringMessagesShareARequest(t *testing.T) {
	t.Parallel()
	c, b := fake(t, func(cfg *settings.Kafka) { cfg.Linger = time.Second })
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		produce(t, p, &broker.Record{Topic: "t", Key: []byte("k")}) // now it has its id and knows the topic
		before, first := h.Hits(), make(chan error, 1)
		p.Produce(within(t), &broker.Record{Topic: "t", Key: []byte("k")}, func(_ broker.Receipt, err error) { first <- err })
		<-time.After(100 * time.Millisecond)
		produce(t, p, &broker.Record{Topic: "t", Key: []byte("k")})
		if err := await(t, first); err != nil {
			t.Error(err)
		}
		if n := h.Hits() - before; n != 1 {
			t.Errorf("%d requests for two messages, want 1", n)
		}
	}
}

func TestAStaticMemberStaysInTheGroupWhenItStops(t *testing.T) {
	t.Parallel()
	for instance, want := range map[string]int{"": 0, "one": 1} {
		c, b := fake(t, func(cfg *settings.Kafka) { cfg.GroupInstanceID = instance })
		var got seen
		leave(t, joinReady(t, b, "g", broker.Subscription{Topic: "t", Handle: got.handle}))
		if n := len(c.GroupInfo("g").Members); n != want {
			t.Errorf("instance %q: %d members are left, want %d", instance, n, want)
		}
	}
}

func TestOutputsWaitOutAnOutage(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 5})
	produce(t, b.Outputs(), keyed("t", 100, 10)...)
	if h.Hits() != 5 {
		t.Errorf("%d faults, want 5", h.Hits())
	}
}

func TestOutputsNeedNoMoreThanTheConnectionToCome(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	if err := b.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.InitProducerID), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, errors.New("hangs up"), true
	})
	produce(t, b.Outputs(), keyed("t", 100, 10)...)
}

// A refusal tells nothing of the try before it, whose answer was lost.
func TestWhatIsRefusedAfterALostAnswerMayHaveBeenWritten(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	create(t, b, broker.TopicConfig{Name: "t", Partitions: 1})
	produce(t, b.Sends(), keyed("t", 1, 1)...)
	refused := func() error {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
		outcome := make(chan error, 1)
		b.Sends().Produce(t.Context(), &broker.Record{Topic: "t"}, func(_ broker.Receipt, err error) { outcome <- err })
		return await(t, outcome)
	}
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("hangs up"), true })
	if err := refused(); !errors.Is(err, broker.ErrOutcomeUnknown) || !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("after a lost answer: %v", err)
	}
	if err := refused(); errors.Is(err, broker.ErrOutcomeUnknown) || !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("at once: %v", err)
	}
}

func TestARecordThatTheClientGaveUpMayHaveBeenWritten(t *testing.T) {
	t.Parallel()
	for err, unknown := range map[error]bool{
		errors.New("topic purged while buffered"): true, kgo.ErrAborting: true,
		kerr.InvalidRecord: false, kerr.UnknownTopicID: false,
	} {
		if got := kafka.Explain("t", err); errors.Is(got, broker.ErrOutcomeUnknown) != unknown || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestOutputsWaitForServersThatAreNotThereYet(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	b := openBroker(t, config([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}))
	done := make(chan error, 1)
	b.Outputs().Produce(t.Context(), &broker.Record{Topic: "t", Value: []byte("v")}, func(_ broker.Receipt, err error) { done <- err })
	select {
	case err := <-done:
		t.Fatalf("gave up: %v", err)
	case <-time.After(3 * time.Second):
	}
	c, err := kfake.NewCluster(kfake.Ports(port), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := testservers.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestRefusalsOfTheServersAreToldApart(t *testing.T) {
	t.Parallel()
	for err, want := range map[*kerr.Error]error{
		kerr.MessageTooLarge: broker.ErrTooLarge, kerr.RecordListTooLarge: broker.ErrTooLarge,
		kerr.TopicAuthorizationFailed: kerr.TopicAuthorizationFailed,
	} {
		c, b := fake(t)
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err})
		if got := produceOne(t, b.Outputs(), &broker.Record{Topic: "t"}); !errors.Is(got, want) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestAFullBufferIsWaitedForNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1})
	var done atomic.Int32
	value := make([]byte, 1<<20-200)
	for range 64 {
		b.Sends().Produce(within(t), &broker.Record{Topic: "t", Value: value}, func(broker.Receipt, error) { done.Add(1) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	refused := make(chan error, 1)
	b.Sends().Produce(ctx, &broker.Record{Topic: "t", Value: value}, func(_ broker.Receipt, err error) { refused <- err })
	if err := <-refused; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	h.Remove()
	if err := b.Sends().Flush(within(t)); err != nil {
		t.Error(err)
	}
	if n := done.Load(); n != 64 {
		t.Errorf("%d done, want 64", n)
	}
}

func TestASilentMemberStops(t *testing.T) {
	t.Parallel()
	for protocol, heartbeat := range map[string]kmsg.Key{"classic": kmsg.Heartbeat, "consumer": kmsg.ConsumerGroupHeartbeat} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			testASilentMember(t, protocol, heartbeat)
		})
	}
}

func testASilentMember(t *testing.T, protocol string, heartbeat kmsg.Key) {
	t.Helper()
	c, b := fake(t, func(cfg *settings.Kafka) { cfg.SessionTimeout, cfg.GroupProtocol = time.Second, protocol })
	produce(t, b.Sends(), keyed("t", 10, 1)...)
	var got seen
	var calls atomic.Int32
	cause := make(chan error, 1)
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Handle: func(d broker.Delivery) {
		if calls.Add(1) == 1 {
			<-d.Context().Done()
			cause <- context.Cause(d.Context())
			d.Done() // too late
			return
		}
		got.handle(d)
	}})
	gate := make(chan struct{})
	c.ControlKey(heartbeat.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	select {
	case err := <-cause:
		if !errors.Is(err, dispatch.ErrLost) {
			t.Errorf("cause %v", err)
		}
	case <-within(t).Done():
		t.Fatal("the handler goes on")
	}
	close(gate)
	got.wait(t, 10)
	wantInOrder(t, got.keys(), 10)
	eventually(t, "a member again", m.Ready)
}

// The silence is shorter than the time between two looks for it: who hands messages over may be all that notices.
func TestAMemberThatWasSilentForAMomentKeepsNothing(t *testing.T) {
	t.Parallel()
	_, b := fake(t, func(cfg *settings.Kafka) { cfg.SessionTimeout = 20 * time.Second })
	var got seen
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Concurrency: 4, Handle: got.handle})
	for round := range 5 {
		kafka.Silence(m)
		produce(t, b.Sends(), keyed("t", 20, 20)...)
		got.wait(t, 20*(round+1))
	}
}

func TestAMemberThatWasSilentGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	topic := newTopic(t, b, 2)
	produce(t, b.Sends(), keyed(topic, 2000, 20)...)
	var got seen
	m := joinReady(t, b, topic, broker.Subscription{Topic: topic, Concurrency: 4, Bounds: broker.Bounds{Records: 100, Span: 100}, Handle: got.handle})
	got.wait(t, 100)
	kafka.Lapse(m)
	produce(t, b.Sends(), keyed(topic, 20, 20)...)
	eventually(t, "everything", func() bool { return got.unique() == 2020 })
	if n := got.count(); n > 2020+8 { // what ran while it lapsed
		t.Errorf("%d deliveries of 2020 records", n)
	}
}

// Messages are fetched all the while, also between the silence and the word that it is over.
func TestAMemberThatIsSilentAgainAndAgainLosesNothing(t *testing.T) {
	t.Parallel()
	_, b := fake(t, func(cfg *settings.Kafka) { cfg.SessionTimeout = time.Second })
	var got seen
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Concurrency: 4, Handle: got.handle})
	published := publishUntil(t, b, "t", func() {
		for range 40 {
			before := got.count()
			kafka.Lapse(m)
			eventually(t, "a member again", func() bool { return got.count() > before+100 })
		}
	})
	eventually(t, "everything", func() bool { return got.unique() == published })
}

func TestCommitsThatTakeLittleMetadata(t *testing.T) {
	t.Parallel()
	c, b := fake(t, func(cfg *settings.Kafka) { cfg.EnableAutoCommit = false })
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: -1, When: func(r kmsg.Request) bool {
		for _, topic := range r.(*kmsg.OffsetCommitRequest).Topics {
			for _, p := range topic.Partitions {
				if p.Metadata != nil && len(*p.Metadata) > 100 {
					return true
				}
			}
		}
		return false
	}})
	produce(t, b.Sends(), keyed("t", 300, 300)...)
	var got seen
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Concurrency: 8, Handle: func(d broker.Delivery) {
		if len(d.Record().Key)%2 == 0 {
			d.Park(2, time.Now().Add(time.Hour), time.Now())
			return
		}
		got.handle(d)
	}})
	eventually(t, "a refused commit", func() bool { return h.Hits() > 0 })
	leave(t, m) // whose commit is taken
}

// More waits than a commit has room for: the partition pauses, and goes on when it fits.
func TestAPartitionPausesWhenItsCommitIsFull(t *testing.T) {
	t.Parallel()
	_, b := fake(t, func(cfg *settings.Kafka) { cfg.AutoCommitInterval = 20 * time.Millisecond })
	create(t, b, broker.TopicConfig{Name: "one", Partitions: 1})
	produce(t, b.Sends(), keyed("one", 10_000, 10_000)...)
	var got seen
	var parked atomic.Int32
	open := make(chan struct{})
	m := joinReady(t, b, "g", broker.Subscription{Topic: "one", Concurrency: 4, Bounds: broker.Bounds{Records: 20_000}, Handle: func(d broker.Delivery) {
		select {
		case <-open:
			got.handle(d)
		default:
			parked.Add(1)
			d.Park(2, time.Now().Add(time.Second), time.Now())
		}
	}})
	eventually(t, "as much parked as a commit holds", func() bool { return parked.Load() >= 500 })
	close(open)
	got.wait(t, 10_000)
	if n := got.count(); n != 10_000 {
		t.Errorf("%d done, want 10,000", n)
	}
	leave(t, m)
}

func TestAFencedStaticMemberFails(t *testing.T) {
	t.Parallel()
	_, b := fake(t, func(cfg *settings.Kafka) { cfg.GroupInstanceID = "one" })
	var got seen
	first := joinReady(t, b, "g", broker.Subscription{Topic: "t", Handle: got.handle})
	joinReady(t, b, "g", broker.Subscription{Topic: "t", Handle: got.handle})
	select {
	case err := <-first.Failed():
		if !errors.Is(err, kerr.FencedInstanceID) {
			t.Errorf("got %v", err)
		}
	case <-within(t).Done():
		t.Error("the fenced member goes on")
	}
}

// A commit has no room for every second one of so many, and fetching pauses for that: not for who takes up what was
// given up, before it has fetched that again.
func TestAMemberGoesOnAfterItLostWhatACommitHadNoRoomFor(t *testing.T) {
	t.Parallel()
	_, b := fake(t, func(cfg *settings.Kafka) { cfg.AutoCommitInterval = 50 * time.Millisecond })
	const messages = 40_000
	var number, handled atomic.Int64
	var calm atomic.Bool
	bounds := broker.Bounds{Records: messages, Bytes: 1 << 30, Span: messages}
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Concurrency: 4, Bounds: bounds, Handle: func(d broker.Delivery) {
		if number.Add(1)%2 == 0 || calm.Load() {
			handled.Add(1)
			d.Done()
			return
		}
		d.Release()
	}})
	produce(t, b.Sends(), keyed("t", messages, 1000)...)
	eventually(t, "commits without room", func() bool { return kafka.Burdened(m) })
	calm.Store(true)
	kafka.Lapse(m)
	eventually(t, "commits at intervals", func() bool { return !kafka.Burdened(m) && handled.Load() >= messages })
}

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

type signedUp struct {
	ID string `avro:"id"`
}

func (signedUp) AvroName() string { return "SignedUp" }

// signedUp2 is what a newer producer writes.
type signedUp2 struct {
	ID   string `avro:"id"`
	Plan string `avro:"plan,default=free"`
}

func (signedUp2) AvroName() string { return "SignedUp" }

// lockedLog is a log that is read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// registryOutage is a consumer on Kafka whose registry can be killed.
type registryOutage struct {
	*testing.T
	registry *testservers.RegistryServer
	cl       *kgo.Client
	topic    string
	app      *app.App
	log      lockedLog
	got      chan string
}

// The registry of a consumer stops and comes back. What came with a schema that the consumer
// has not seen waits, the service says why, and goes on by itself.
func TestARegistryThatStopsAndComesBack(t *testing.T) {
	t.Parallel()
	o := newRegistryOutage(t)
	older, newer := o.messages()
	o.produce(older)
	o.want("ana, attempt 1")

	if err := o.registry.Kill(); err != nil {
		t.Fatal(err)
	}
	o.produce(newer)
	o.eventually("the reason in the status", func() bool {
		s := o.status()
		return s.Connected && !s.Ready && strings.Contains(s.Reason, "avro messages wait: ") &&
			strings.Contains(s.Reason, "schema registry: "+o.registry.URL())
	})
	o.eventually("the reason in the log", func() bool {
		return strings.Contains(o.log.String(), "schema registry does not answer") &&
			strings.Count(o.log.String(), "waiting for a schema registry") >= 3
	})
	o.wantNothingLost()

	if err := o.registry.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o1, n1 := o.messages(); !bytes.Equal(o1, older) || !bytes.Equal(n1, newer) {
		t.Fatal("the registry gave other ids the second time")
	}
	o.want("bob, attempt 1")
	o.eventually("ready again", func() bool { s := o.status(); return s.Ready && s.Reason == "" })
	o.eventually("the end in the log", func() bool { return strings.Contains(o.log.String(), "schema registry answers again") })
	o.wantNothingLost()
}

func newRegistryOutage(t *testing.T) *registryOutage {
	t.Helper()
	registry, err := testservers.StartRegistry(t.Context(), testservers.RegistryOptions{})
	if errors.Is(err, testservers.ErrUnavailable) && !testservers.RequireReal() {
		t.Skip("an embedded registry cannot stop and come back: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	brokers := testservers.KafkaFor(t).Brokers
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	o := &registryOutage{T: t, registry: registry, cl: cl, topic: testservers.Unique(t, "signups"), got: make(chan string, 8)}
	o.serve(brokers)
	return o
}

func (o *registryOutage) serve(brokers []string) {
	o.Helper()
	users := topics.Event[signedUp]{Name: o.topic, Format: topics.Avro}
	o.app = app.New(app.ConsumeFunc(users, func(ctx context.Context, u signedUp) error {
		o.got <- fmt.Sprintf("%s, attempt %d", u.ID, router.Meta(ctx).Attempt)
		return nil
	}, router.Name("read"), router.Retry(0, router.Backoff{}))).In(app.Environment{Log: &o.log, Settings: settings.Options{Dir: o.TempDir(), Environ: []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(brokers, ","),
		"KAFKA_SCHEMA_REGISTRY_URL=" + o.registry.URL(), "SERVICE_NAME=" + o.topic,
	}}})
	if err := o.app.Start(o.Context()); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		if err := o.app.Stop(context.Background()); err != nil {
			o.Error(err)
		}
	})
}

// messages registers the schemas of an older and a newer producer and returns one message of each.
func (o *registryOutage) messages() (older, newer []byte) {
	o.Helper()
	c, err := avro.New(avro.Config{URLs: []string{o.registry.URL()}, AutoRegister: true})
	if err != nil {
		o.Fatal(err)
	}
	encode := func(v any) (data []byte) {
		o.Helper()
		o.eventually("registered", func() bool { // the first answers of a registry take their time
			data, _, err = c.Encode(o.Context(), nil, codec.Subject{Topic: o.topic, Type: reflect.TypeOf(v)}, v)
			if err != nil && !errors.Is(err, codec.ErrUnavailable) {
				o.Fatal(err)
			}
			return err == nil
		})
		return data
	}
	return encode(signedUp{"ana"}), encode(signedUp2{"bob", "pro"})
}

func (o *registryOutage) produce(value []byte) {
	o.Helper()
	if err := o.cl.ProduceSync(o.Context(), &kgo.Record{Topic: o.topic, Key: []byte("k"), Value: value}).FirstErr(); err != nil {
		o.Fatal(err)
	}
}

func (o *registryOutage) status() app.BrokerStatus { return o.app.Status(o.Context())[0] }

func (o *registryOutage) want(text string) {
	o.Helper()
	select {
	case got := <-o.got:
		if got != text {
			o.Errorf("got %s, want %s", got, text)
		}
	case <-time.After(time.Minute):
		o.Fatalf("%s did not come; log:\n%s", text, o.log.String())
	}
}

func (o *registryOutage) eventually(what string, f func() bool) {
	o.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.Fatalf("%s: not within a minute: %+v; log:\n%s", what, o.status(), o.log.String())
		}
	}
}

// wantNothingLost wants no message handled or given up beyond those that were asked for.
func (o *registryOutage) wantNothingLost() {
	o.Helper()
	offsets, err := kadm.NewClient(o.cl).ListEndOffsets(o.Context(), o.topic+".dlq")
	if err != nil {
		o.Fatal(err)
	}
	offsets.Each(func(e kadm.ListedOffset) {
		if e.Offset > 0 {
			o.Errorf("%d dead letters", e.Offset)
		}
	})
	if len(o.got) > 0 {
		o.Errorf("handled while the registry was away: %s", <-o.got)
	}
}

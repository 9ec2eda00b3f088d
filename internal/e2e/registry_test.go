package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/router/broker/redis"
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

// registryOutage is a consumer whose registry can be killed.
type registryOutage struct {
	*testing.T
	registry *testservers.RegistryServer
	broker   broker.Broker
	topic    topics.Event[signedUp]
	app      *app.App
	log      lockedLog
	got      chan string
	seen     int // dead letters
}

// The registry of a consumer stops and comes back. What came with a schema that the consumer
// has not seen waits, the service says why, and goes on by itself. What a message is to blame
// for is a dead letter at once, with its schema.
func TestARegistryThatStopsAndComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		format topics.Format
		open   func(t *testing.T) (b broker.Broker, env []string)
	}{
		"kafka":                 {"", outageOnKafka},
		"kafka, with Avro keys": {topics.Avro, outageOnKafka},
		"redis":                 {"", outageOnRedis},
	} {
		t.Run(name, func(t *testing.T) {
			b, env := c.open(t)
			o := newRegistryOutage(t, c.format, b, env)
			o.tell()
		})
	}
}

func outageOnKafka(t *testing.T) (broker.Broker, []string) {
	t.Helper()
	s := kafkaSettings(t)
	return must(kafka.New(s))(t), []string{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(s.BootstrapServers, ",")}
}

func outageOnRedis(t *testing.T) (broker.Broker, []string) {
	t.Helper()
	s := redisSettings(t)
	return must(redis.New(s))(t), []string{"REDIS_ENABLED=true", "REDIS_URL=" + testservers.RedisFor(t).URL(), "REDIS_LEASE=3s"}
}

func (o *registryOutage) tell() {
	m := o.messages()
	o.produce(m.key, m.older)
	o.want("ana under " + o.keyText(m.key) + ", attempt 1")
	o.dataErrors(m)

	if err := o.registry.Kill(); err != nil {
		o.Fatal(err)
	}
	o.produce(m.key, m.newer)
	o.produce(m.otherKey, m.older)
	if o.topic.KeyFormat == "" {
		o.want("ana under other, attempt 1") // its schema is known
	}
	o.saysWhy()
	o.wantDead(0)

	if err := o.registry.Restart(o.Context()); err != nil {
		o.Fatal(err)
	}
	if diff := cmp.Diff(m, o.messages(), cmp.AllowUnexported(signUps{})); diff != "" {
		o.Fatalf("the registry gave other ids the second time: %s", diff)
	}
	o.goesOn(m)
}

// saysWhy wants the reason in status, log and metric.
func (o *registryOutage) saysWhy() {
	o.Helper()
	o.eventually("the reason in the status", func() bool {
		s := o.status()
		return s.Connected && !s.Ready && strings.Contains(s.Reason, "avro messages wait: ") &&
			strings.Contains(s.Reason, "schema registry: "+o.registry.URL())
	})
	o.eventually("the reason in the log", func() bool {
		return strings.Contains(o.log.String(), "schema registry does not answer") &&
			strings.Count(o.log.String(), "waiting for a schema registry") >= 3
	})
	if err := o.app.Router().Ready(); err == nil || !strings.Contains(err.Error(), o.registry.URL()) {
		o.Errorf("ready while messages wait: %v", err)
	}
	before := o.app.Router().Stats().SchemaWaits
	o.eventually("waits that grow", func() bool { return before >= 3 && o.app.Router().Stats().SchemaWaits > before })
}

// goesOn wants what waited, and nothing that waits any more.
func (o *registryOutage) goesOn(m signUps) {
	o.Helper()
	want := map[string]bool{"bob under " + o.keyText(m.key) + ", attempt 1": true}
	if o.topic.KeyFormat != "" {
		want["ana under "+o.keyText(m.otherKey)+", attempt 1"] = true
	}
	for range len(want) {
		if got := o.next(); !want[got] {
			o.Errorf("got %s, want %v", got, want)
		}
	}
	o.eventually("ready again", func() bool { s := o.status(); return s.Ready && s.Reason == "" })
	o.eventually("the end in the log", func() bool { return strings.Contains(o.log.String(), "schema registry answers again") })
	before := o.app.Router().Stats().SchemaWaits
	<-time.After(1500 * time.Millisecond)
	if after := o.app.Router().Stats().SchemaWaits; after != before {
		o.Errorf("%d waits while nothing waits", after-before)
	}
	o.wantDead(0)
}

// dataErrors sends what no retry can cure.
func (o *registryOutage) dataErrors(m signUps) {
	o.Helper()
	id := strconv.Itoa(int(m.older[4]))
	broken := map[string][]byte{
		"cut off": m.older[:len(m.older)-1], "one byte too many": append(bytes.Clone(m.older), 0),
		"of another type": m.misfit, "JSON": []byte(`{"id":"ana"}`),
	}
	ids := map[string]string{"cut off": id, "one byte too many": id, "of another type": strconv.Itoa(int(m.misfit[4])), "JSON": ""}
	names := map[string]string{}
	for name, value := range broken {
		o.produce(m.key, value)
		names[string(value)] = name
	}
	for _, d := range o.wantDead(len(broken)) {
		name := names[string(d.Value)]
		told := []string{headerOf(d, "leat-error-kind"), headerOf(d, "leat-attempts"), headerOf(d, "leat-schema-id")}
		if diff := cmp.Diff([]string{"decode", "1", ids[name]}, told); diff != "" || name == "" || !bytes.Equal(d.Key, m.key) {
			o.Errorf("%q: dead letter %s: %s", name, diff, headerOf(d, "leat-error"))
		}
		if text := headerOf(d, "leat-error"); name == "JSON" && !strings.Contains(text, "JSON") {
			o.Errorf("JSON on an Avro topic: %s", text)
		}
	}
	if s := o.app.Router().Stats(); s.SchemaWaits != 0 || s.Retries != 0 || s.DeadLetters != int64(len(broken)) {
		o.Errorf("%+v", s)
	}
}

func newRegistryOutage(t *testing.T, keys topics.Format, b broker.Broker, env []string) *registryOutage {
	t.Helper()
	registry, err := testservers.StartRegistry(t.Context(), testservers.RegistryOptions{})
	if errors.Is(err, testservers.ErrUnavailable) && !testservers.RequireReal() {
		t.Skip("an embedded registry cannot stop and come back: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	name := strings.ToLower(testservers.Unique(t, "signups"))
	o := &registryOutage{T: t, registry: registry, broker: b, got: make(chan string, 8)}
	o.topic = topics.Event[signedUp]{Name: name, Format: topics.Avro, KeyFormat: keys, Partitions: 1}
	o.serve(env)
	return o
}

func (o *registryOutage) serve(env []string) {
	o.Helper()
	o.app = app.New(app.ConsumeFunc(o.topic, func(ctx context.Context, u signedUp) error {
		o.got <- fmt.Sprintf("%s under %s, attempt %d", u.ID, router.Meta(ctx).Key, router.Meta(ctx).Attempt)
		return nil
	}, router.Name("read"))).In(app.Environment{Log: &o.log, Settings: settings.Options{
		Dir:     o.TempDir(),
		Environ: append(env, "KAFKA_SCHEMA_REGISTRY_URL="+o.registry.URL(), "SERVICE_NAME="+o.topic.Name),
	}})
	if err := o.app.Start(o.Context()); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		if err := o.app.Stop(context.Background()); err != nil {
			o.Error(err)
		}
	})
}

// signUps are messages, and keys, of several producers.
type signUps struct{ older, newer, misfit, key, otherKey []byte }

// messages registers the schemas of those producers and returns one message of each.
func (o *registryOutage) messages() (m signUps) {
	o.Helper()
	byTopic, byRecord := o.codec(avro.SubjectByTopic), o.codec(avro.SubjectByRecord)
	value := func(v any) func() ([]byte, error) {
		return func() ([]byte, error) {
			data, _, err := byTopic.Encode(o.Context(), nil, codec.Subject{Topic: o.topic.Name, Type: reflect.TypeOf(v)}, v)
			return data, err
		}
	}
	given := func(schema string, v map[string]any) func() ([]byte, error) {
		return func() ([]byte, error) {
			data, _, err := byRecord.EncodeWith(o.Context(), nil, o.topic.Name, schema, v)
			return data, err
		}
	}
	m.older, m.newer = o.registered(value(signedUp{"ana"})), o.registered(value(signedUp2{"bob", "pro"}))
	m.misfit = o.registered(given(`{"type":"record","name":"SignedUp","namespace":"com.core.events","fields":[{"name":"id","type":"long"}]}`, map[string]any{"id": 7}))
	m.key, m.otherKey = []byte("k"), []byte("other")
	if o.topic.KeyFormat != "" {
		m.key = o.registered(func() ([]byte, error) { return byTopic.EncodeKey(o.Context(), nil, o.topic.Name, "k") })
		m.otherKey = o.registered(given(`{"type":"record","name":"Shop","fields":[{"name":"shop","type":"int"}]}`, map[string]any{"shop": 7}))
	}
	return m
}

func (o *registryOutage) codec(by avro.SubjectBy) *avro.Codec {
	o.Helper()
	c, err := avro.New(avro.Config{URLs: []string{o.registry.URL()}, AutoRegister: true, SubjectBy: by})
	if err != nil {
		o.Fatal(err)
	}
	return c
}

// registered encodes once the registry answers: the first answers of one take their time.
func (o *registryOutage) registered(encode func() ([]byte, error)) (data []byte) {
	o.Helper()
	o.eventually("registered", func() (done bool) {
		var err error
		if data, err = encode(); err != nil && !errors.Is(err, codec.ErrUnavailable) {
			o.Fatal(err)
		}
		return err == nil
	})
	return data
}

// keyText is what the handler sees of a key.
func (o *registryOutage) keyText(key []byte) string {
	switch {
	case o.topic.KeyFormat == "":
		return string(key)
	case bytes.HasSuffix(key, []byte("k")):
		return "k"
	}
	return `{"shop":7}`
}

func (o *registryOutage) produce(key, value []byte) {
	o.Helper()
	done := make(chan error, 1)
	o.broker.Sends().Produce(o.Context(), &broker.Record{Topic: o.topic.Name, Key: key, Value: value}, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		o.Fatal(err)
	}
}

func (o *registryOutage) status() app.BrokerStatus {
	for _, s := range o.app.Status(o.Context()) {
		if s.Configured {
			return s
		}
	}
	return app.BrokerStatus{}
}

func (o *registryOutage) want(text string) {
	o.Helper()
	if got := o.next(); got != text {
		o.Errorf("got %s, want %s", got, text)
	}
}

func (o *registryOutage) next() string {
	o.Helper()
	select {
	case got := <-o.got:
		return got
	case <-time.After(time.Minute):
		o.Fatalf("nothing was handled; log:\n%s", o.log.String())
		return ""
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

// wantDead wants so many dead letters since it was asked last, and nothing handled that was not
// asked for.
func (o *registryOutage) wantDead(n int) (dead []*broker.Record) {
	o.Helper()
	seen := o.seen
	o.eventually(fmt.Sprintf("%d dead letters", n), func() bool {
		dead = nil
		for rec, err := range o.broker.Read(o.Context(), broker.ReadOptions{Topics: []string{o.topic.Name + ".dlq"}, Start: broker.StartEarliest, UntilEnd: true}) {
			if err != nil {
				o.Fatal(err)
			}
			dead = append(dead, rec)
		}
		return len(dead) >= seen+n
	})
	if o.seen = len(dead); o.seen != seen+n {
		o.Errorf("%d dead letters, want %d", o.seen-seen, n)
	}
	if len(o.got) > 0 {
		o.Errorf("handled: %s", <-o.got)
	}
	return dead[seen:]
}

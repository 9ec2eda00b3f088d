package apptest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

// App is a service under test.
type App = app.App

// New starts a service on a broker of its own and stops it at the end of the test. What it
// logs is in the test's output.
func New(t testing.TB, opts ...fx.Option) *App {
	t.Helper()
	a := app.New(opts...).Only(everything).In(app.Environment{
		Settings: settings.Options{Dir: t.TempDir(), Environ: []string{}, NoDotEnv: true, Set: []string{"messaging.broker=memory"}},
		Broker:   memory.New(),
		Log:      t.Output(),
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return a
}

// everything chooses all handlers, which leaves out servers and tasks.
func everything(router.HandlerInfo) bool { return true }

// Publish publishes values, as the service would.
func Publish[T any](t testing.TB, a *App, topic topics.Topic[T], vs ...T) {
	t.Helper()
	ctx := router.NewContext(t.Context(), router.NewProducer(a.Router()))
	if err := router.Publish(ctx, topic, vs...); err != nil {
		t.Fatal(err)
	}
}

// Delete publishes a tombstone for a key.
func Delete[T any](t testing.TB, a *App, topic topics.State[T], key string) {
	t.Helper()
	data, err := a.Router().EncodeKey(t.Context(), a.Router().Spec(topic.Spec()), key)
	if err != nil {
		t.Fatal(err)
	}
	Raw(t, a, topic.Name, data, nil)
}

// Raw publishes bytes as they are: nil is no key, and a tombstone. The topic is named as in
// code.
func Raw(t testing.TB, a *App, topic string, key, value []byte, headers ...broker.Header) {
	t.Helper()
	r := &broker.Record{Topic: a.Router().Spec(topics.Spec{Name: topic}).Name, Key: key, Value: value, Headers: headers}
	done := make(chan error, 1)
	a.Broker().Sends().Produce(t.Context(), r, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Wait returns the first n values of a topic since New, however often it is asked. It fails
// the test when they do not come within 10 s, and says what came instead.
func Wait[T any](t testing.TB, a *App, topic topics.Topic[T], n int) []T {
	t.Helper()
	spec := a.Router().Spec(topic.Spec())
	recs := wait(t, a, spec.Name, n, func() []*broker.Record { return records(a, spec.Name) })
	values := make([]T, n)
	for i, r := range recs[:n] {
		if r.Value == nil {
			continue
		}
		if err := a.Router().CodecFor(spec.Format).Decode(t.Context(), r.Value, &r.Headers, &values[i]); err != nil {
			t.Fatalf("decode message %d of %s: %v\n%q", i, spec.Name, err, r.Value)
		}
	}
	return values
}

// Idle waits until every message is handled, nothing is running and nothing waits for a
// retry. It fails the test when that takes more than 10 s.
func Idle(t testing.TB, a *App) {
	t.Helper()
	b := memoryOf(a)
	if !until(b, func() bool { return b.Unfinished() == 0 }) {
		t.Fatalf("%d messages are not handled after %v; on the topics are %s", b.Unfinished(), patience(), seen(a))
	}
}

func memoryOf(a *App) *memory.Broker {
	b, ok := a.Broker().(*memory.Broker)
	if !ok {
		panic("apptest: the app was not started by apptest.New, or is stopped")
	}
	return b
}

func records(a *App, topic string) []*broker.Record { return memoryOf(a).Records(topic) }

// wait returns what get gives as soon as that is n or more.
func wait(t testing.TB, a *App, what string, n int, get func() []*broker.Record) (recs []*broker.Record) {
	t.Helper()
	enough := until(memoryOf(a), func() bool {
		recs = get()
		return len(recs) >= n
	})
	if !enough {
		t.Fatalf("%d of %d messages came to %s within %v; on the topics are %s", len(recs), n, what, patience(), seen(a))
	}
	return recs
}

// until waits for a condition that can only change with the broker.
func until(b *memory.Broker, holds func() bool) bool {
	expired := time.NewTimer(patience())
	defer expired.Stop()
	for {
		changed := b.Changed()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-expired.C:
			return holds()
		}
	}
}

// patience is 10 s. In a bubble of testing/synctest, whose clock starts in the year 2000,
// waiting is free and retries may take hours.
func patience() time.Duration {
	if time.Now().Year() < 2010 {
		return 240 * time.Hour
	}
	return 10 * time.Second
}

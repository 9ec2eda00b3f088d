package routertest

import (
	"context"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

var deadLetterCases = []semantic{
	{"a dead letter is the message with all of its headers, and says what happened", deadLetter},
	{"what cannot be decoded becomes a dead letter with its bytes, and stops nobody", undecodable},
	{"a dead letter goes to the topic that was asked for", deadLetterTopic},
	{"without dead letters a message is dropped after its attempts", noDeadLetter},
	{"a dead letter is sent until it is written, and the handler does not run again", deadLetterAgain},
}

func deadLetter(b *bench) {
	const pause = 20 * time.Millisecond
	b.start(func(context.Context, *item) error { return errBusy }, router.Retry(1, router.Fixed(pause)))
	was := &broker.Record{Key: []byte("a"), Value: []byte(`{"key":"a","n":0}`), ID: "id-1", Headers: broker.Headers{
		{Key: "tenant", Value: []byte("7")}, {Key: "again", Value: []byte("1")}, {Key: "again", Value: []byte{0, 255}},
	}}
	b.raw(was)
	dead, in := b.deadLetter(), b.first(b.event().Name)
	if diff := cmp.Diff(was.Headers, dead.Headers[:min(len(was.Headers), len(dead.Headers))]); diff != "" {
		b.Errorf("original headers: %s", diff)
	}
	if string(dead.Key) != "a" || string(dead.Value) != string(was.Value) || dead.ID != was.ID {
		b.Errorf("dead letter %s: %s with id %s", dead.Key, dead.Value, dead.ID)
	}
	told := map[string]string{
		"leat-error": "busy", "leat-error-kind": "handler", "leat-attempts": "2", "leat-handler": "h", "leat-group": b.prefix,
		"leat-original-topic": in.Topic, "leat-original-partition": "0", "leat-original-offset": in.Offset,
		"leat-original-time": in.Time.UTC().Format(time.RFC3339Nano), "leat-service": b.prefix,
		"reason_poisoned": "busy", "topic_poisoned": in.Topic, "handler_poisoned": "h", "subscriber_poisoned": b.broker.Name(),
	}
	for name, want := range told {
		if got := header(dead, name); got != want {
			b.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first, last := b.timeOf(dead, "leat-first-failed-at"), b.timeOf(dead, "leat-last-failed-at")
	if between := last.Sub(first); between < pause-time.Millisecond || between > b.s.patience { // a broker may keep milliseconds
		b.Errorf("failed first at %v, last at %v", first, last)
	}
}

func (b *bench) timeOf(r *broker.Record, name string) time.Time {
	b.Helper()
	at, err := time.Parse(time.RFC3339Nano, header(r, name))
	if err != nil {
		b.Errorf("%s: %v", name, err)
	}
	return at
}

func undecodable(b *bench) {
	b.start(func(_ context.Context, i *item) error {
		b.say("%s%d", i.Key, i.N)
		return nil
	}, router.Retry(3, router.Fixed(time.Hour)))
	b.raw(&broker.Record{Key: []byte("a"), Value: []byte("\xff\x00 no JSON")})
	b.send(&item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a1"}, b.heard(1)); diff != "" {
		b.Error(diff)
	}
	dead := b.deadLetter()
	if string(dead.Value) != "\xff\x00 no JSON" || string(dead.Key) != "a" || header(dead, "leat-attempts") != "1" {
		b.Errorf("dead letter %q: %q after %s attempts", dead.Key, dead.Value, header(dead, "leat-attempts"))
	}
	if kind := header(dead, "leat-error-kind"); kind != b.door.undecodable {
		b.Errorf("dead of %s, want %s", kind, b.door.undecodable)
	}
}

func deadLetterTopic(b *bench) {
	b.start(func(context.Context, *item) error { return router.Permanent(errBusy) }, router.DeadLetter(b.name("morgue")))
	b.send(&item{Key: "a"})
	if dead := b.first(b.name("morgue")); string(dead.Key) != "a" {
		b.Errorf("key %s", dead.Key)
	}
}

func noDeadLetter(b *bench) {
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s%d %d", i.Key, i.N, attempt(ctx))
		if i.N == 0 {
			return errBusy
		}
		return nil
	}, router.Retry(1, router.Fixed(time.Millisecond)), router.NoDeadLetter())
	b.send(&item{Key: "a"}, &item{Key: "a", N: 1})
	if diff := cmp.Diff([]string{"a0 1", "a0 2", "a1 1"}, b.heard(3)); diff != "" {
		b.Error(diff)
	}
}

func deadLetterAgain(b *bench) {
	b.refuse(b.deadLetters(), 1)
	b.start(func(ctx context.Context, i *item) error {
		b.say("handled %s%d", i.Key, i.N)
		broker.OnSettled(ctx, func(err error) { b.say("settled: %v", err) })
		return errBusy
	}, router.Retry(0, router.Backoff{}))
	b.send(&item{Key: "a"})
	if diff := cmp.Diff([]string{"handled a0", "refused 1", "written", "settled: <nil>"}, b.heard(4)); diff != "" {
		b.Error(diff)
	}
	if n := len(b.all(b.deadLetters())); n != 1 {
		b.Errorf("%s dead letters", strconv.Itoa(n))
	}
}

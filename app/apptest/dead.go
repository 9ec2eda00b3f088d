package apptest

import (
	"cmp"
	"slices"
	"strconv"
	"testing"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Dead is a message that failed for good.
type Dead struct {
	Key      string            // what it says; its bytes where they say nothing
	Value    []byte            // as it came
	Headers  map[string]string // its own and those that say what happened
	Error    string            // of the last attempt
	Kind     string            // handler, permanent, decode, invalid, panic, timeout, oversized
	Handler  string
	Group    string
	Attempts int // counted from 1
}

// DeadLetters returns the first n dead letters of a topic since New, of all of its handlers.
// It fails the test when they do not come within 10 s.
func DeadLetters[T any](t testing.TB, a *App, topic topics.Topic[T], n int) []Dead {
	t.Helper()
	spec := a.Router().Spec(topic.Spec())
	recs := wait(t, a, "the dead letters of "+spec.Name, n, func() []*broker.Record { return buried(a, spec.Name) })
	dead := make([]Dead, n)
	for i, r := range recs[:n] {
		dead[i] = newDead(r)
		if key, err := a.Router().DecodeKey(t.Context(), spec, r); err == nil {
			dead[i].Key = key
		}
	}
	return dead
}

// buried are the dead letters of a topic in the order of their publishing.
func buried(a *App, topic string) (recs []*broker.Record) {
	var done []string
	for _, h := range a.Router().Handlers() {
		if h.Topic != topic || h.DeadLetter == "" || slices.Contains(done, h.DeadLetter) {
			continue
		}
		done = append(done, h.DeadLetter)
		for _, r := range records(a, h.DeadLetter) {
			if origin, ok := r.Headers.Get("leat-original-topic"); ok && string(origin) == topic {
				recs = append(recs, r)
			}
		}
	}
	slices.SortStableFunc(recs, func(x, y *broker.Record) int { return x.Time.Compare(y.Time) })
	return recs
}

func newDead(r *broker.Record) Dead {
	h := r.Headers.Map()
	attempts, _ := strconv.Atoi(cmp.Or(h["leat-attempts"], "0"))
	return Dead{
		Key: string(r.Key), Value: r.Value, Headers: h, Error: h["leat-error"], Kind: h["leat-error-kind"],
		Handler: h["leat-handler"], Group: h["leat-group"], Attempts: attempts,
	}
}

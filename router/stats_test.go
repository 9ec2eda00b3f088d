package router_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

func TestStatsCountWhatWentWrong(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		r := newRouter(b)
		in := topics.Event[order]{Name: "in", Key: func(o order) string { return o.Key }}
		fails := func(context.Context, order) error { return errors.New("busy") }
		router.Consume(r, in, fails, router.Name("retry"), router.Group("a"), router.Retry(2, router.Fixed(time.Second)),
			router.OnError(func(context.Context, order, error) { panic("hook") }))
		router.Consume(r, in, fails, router.Name("drop"), router.Group("b"), router.Retry(0, router.Backoff{}), router.NoDeadLetter())
		if diff := cmp.Diff(router.Stats{}, r.Stats()); diff != "" {
			t.Errorf("before Run: %s", diff)
		}
		running(t, r)
		if err := router.NewPublisher(r, in).Publish(t.Context(), order{ID: "1", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute)
		if diff := cmp.Diff(router.Stats{Retries: 2, DeadLetters: 1, Dropped: 1, HookFaults: 3}, r.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

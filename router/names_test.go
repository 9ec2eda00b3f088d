package router_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
)

func TestWatermillsMiddlewareKnowsTheNamesOfAHandler(t *testing.T) {
	onMemory(t, func(t *testing.T, b *memory.Broker) {
		t.Helper()
		var seen lines
		r := newRouter(b, router.Use(func(next message.HandlerFunc) message.HandlerFunc {
			return func(m *message.Message) ([]*message.Message, error) {
				ctx := m.Context()
				seen.add("%s reads %s of %s and writes %q", message.HandlerNameFromCtx(ctx), message.SubscribeTopicFromCtx(ctx),
					message.SubscriberNameFromCtx(ctx), message.PublishTopicFromCtx(ctx))
				return next(m)
			}
		}))
		router.Work(r, orders, receipts, func(context.Context, order) (receipt, error) { return receipt{}, nil }, router.Name("typed"))
		r.Handle("receipts", func(*message.Message) error { return nil }, router.Name("plain"))
		running(t, r)
		publish(t, r, orders, order{ID: "1"})
		synctest.Wait()
		want := []string{`typed reads orders of memory and writes "receipts"`, `plain reads receipts of memory and writes ""`}
		if diff := cmp.Diff(want, seen.all()); diff != "" {
			t.Error(diff)
		}
	})
}

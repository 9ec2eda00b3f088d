package router_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

func nothing(context.Context, order) error { return nil }

func TestFaultsOfTheWiringAreReportedTogether(t *testing.T) {
	t.Parallel()
	r := newRouter(memory.New())
	commands := topics.Command[order]{Name: "commands"}
	router.Consume(r, orders, nothing)
	router.Consume(r, orders, nothing, router.Name("second"))
	router.Consume(r, orders, nothing, router.Group("other"))
	router.Consume(r, orders, func(context.Context, order) error { return nil }, router.Group("anonymous"))
	router.Consume(r, commands, nothing, router.Name("c1"))
	router.Consume(r, commands, nothing, router.Name("c2"), router.Group("c2"))
	router.Consume(r, topics.Event[order]{Name: "e"}, nothing, router.Name("batch"), router.BatchSize(3))
	router.Consume(r, topics.Event[order]{Name: "f"}, nothing, router.Name("hook"), router.OnError(func(context.Context, string, error) {}))
	router.Consume(r, topics.Event[order]{Name: "g"}, nothing, router.Name("success"), router.OnSuccess(func(context.Context, order, order) {}))
	router.Work(r, receipts, receipts, func(context.Context, receipt) (receipt, error) { return receipt{}, nil }, router.Name("loop"))
	router.NewPublisher(r, topics.State[order]{Name: "state"})
	router.NewPublisher(r, topics.Event[receipt]{Name: "orders"})
	router.NewPublisher(r, topics.Event[order]{Name: "avro", Format: topics.Avro})
	router.NewPublisher(r, topics.Event[order]{Name: "raw", Format: topics.Raw})
	err := r.Run(t.Context())
	for _, want := range []string{
		"nothing is the name of two handlers: give one of them router.Name",
		"nothing and second are both in group shop on topic orders: give one of them router.Group",
		"a handler of topic orders is an anonymous function and needs router.Name",
		"commands is a command and has two groups, shop of c1 and c2 of c2",
		"batch: BatchSize has no effect on a handler of single messages",
		"hook: OnError takes func(context.Context, router_test.order, error), not func(context.Context, string, error)",
		"success: OnSuccess needs a worker with a result: use OnDone",
		"loop reads and writes topic receipts",
		"topic state is a state and needs a Key",
		"topic orders is declared with router_test.order and with router_test.receipt",
		`topic avro has format "avro", for which there is no codec`,
		"topic raw: a raw topic carries []byte, not router_test.order",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestMissingTopicIsAnErrorWhenTopicsAreRequired(t *testing.T) {
	t.Parallel()
	r := newRouter(memory.New(), router.Conventions{RequireTopics: true})
	router.Consume(r, orders, nothing)
	err := r.Run(t.Context())
	if !errors.Is(err, broker.ErrNoTopic) || !strings.Contains(err.Error(), "leat topics create orders.dlq") {
		t.Errorf("got %v", err)
	}
}

func TestBackoffs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		b    router.Backoff
		want []int
	}{
		"fixed":                {router.Fixed(time.Second), []int{1, 1, 1, 1}},
		"linear":               {router.Linear(2 * time.Second), []int{2, 4, 6, 8}},
		"exponential":          {router.Exponential(time.Second), []int{1, 2, 4, 8}},
		"zero is exponential":  {router.Backoff{}, []int{1, 2, 4, 8}},
		"capped":               {router.Exponential(time.Second).Max(3 * time.Second), []int{1, 2, 3, 3}},
		"capped by default":    {router.Exponential(40 * time.Second), []int{40, 60, 60, 60}},
		"of one's own":         {router.BackoffFunc(func(k int) time.Duration { return time.Duration(k*k) * time.Second }), []int{1, 4, 9, 16}},
		"another first wait":   {router.Linear(time.Second).Initial(3 * time.Second), []int{3, 6, 9, 12}},
		"another growth":       {router.Linear(2 * time.Second).Max(5 * time.Second).Like(router.Exponential(time.Second)), []int{2, 4, 5, 5}},
		"grown from nothing":   {router.Fixed(0).Initial(2 * time.Second), []int{2, 2, 2, 2}},
		"never below zero":     {router.Fixed(-time.Second), []int{0, 0, 0, 0}},
		"overflow is the most": {router.Exponential(1 << 62), []int{60, 60, 60, 60}},
	} {
		for i, want := range c.want {
			if got := c.b.Wait(i + 1); got != time.Duration(want)*time.Second {
				t.Errorf("%s: wait %d is %v, want %v", name, i+1, got, time.Duration(want)*time.Second)
			}
		}
	}
	for range 100 {
		if d := router.Fixed(10 * time.Second).Jitter(0.1).Wait(1); d < 9*time.Second || d > 11*time.Second {
			t.Fatalf("jitter of 10 %% gave %v", d)
		}
	}
}

func TestSettingsRenameTopicsForEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		r := newRouter(b, router.Conventions{Topic: func(s topics.Spec) topics.Spec { s.Name = "dev." + s.Name; return s }})
		got := make(chan string, 2)
		r.Handle("orders", func(m *message.Message) error { got <- string(m.Payload); return nil }, router.Name("plain"), router.Group("plain"))
		router.Consume(r, orders, func(_ context.Context, o order) error { got <- o.ID; return nil }, router.Name("typed"))
		running(t, r)
		if _, err := router.NewProducer(r).Send(t.Context(), "orders", order{ID: "1", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		both := <-got + <-got
		rs := b.Records("dev.orders")
		if len(both) < 5 || len(rs) != 1 || string(rs[0].Key) != "k" || r.Spec(orders.Spec()).Name != "dev.orders" {
			t.Errorf("handlers got %q, the topic holds %v", both, rs)
		}
	})
}

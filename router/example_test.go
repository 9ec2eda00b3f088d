package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

type Order struct {
	ID       string
	Customer string
	Amount   int `validate:"min=1"`
}

func (o Order) CustomerID() string { return o.Customer }

type Invoice struct {
	OrderID string
	Total   int
}

type ChargeCard struct{ Card string }

type Account struct {
	Number  string
	Balance int
}

var (
	Orders   = topics.Event[Order]{Name: "orders", Key: Order.CustomerID, Partitions: 3}
	Invoices = topics.Event[Invoice]{Name: "invoices"}
	Charges  = topics.Command[ChargeCard]{Name: "charges"}
	Accounts = topics.State[*Account]{Name: "accounts", Key: func(a *Account) string { return a.Number }}
)

// serve runs the router until stop is called; examples are silent otherwise.
func serve(r *router.Router) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-r.Running()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Println(err)
		}
	}
}

func silent() router.RouterOption { return router.Logger(slog.New(slog.DiscardHandler)) }

// A worker turns each order into an invoice; a consumer reads the invoices.
func ExampleWork() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), router.Service("billing"), silent())

	router.Work(r, Orders, Invoices, func(ctx context.Context, o Order) (Invoice, error) {
		return Invoice{o.ID, o.Amount}, nil
	}, router.Name("invoice"), router.Concurrency(8))

	router.Consume(r, Invoices, func(ctx context.Context, i Invoice) error {
		fmt.Println("invoice for", i.OrderID, "over", i.Total)
		close(done)
		return nil
	}, router.Name("print"))

	defer serve(r)()
	_ = router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 42})
	<-done
	// Output: invoice for o-1 over 42
}

// The first two attempts fail and the third succeeds; Meta tells which one it is.
func ExampleRetry() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.Consume(r, Charges, func(ctx context.Context, c ChargeCard) error {
		attempt := router.Meta(ctx).Attempt
		fmt.Println("attempt", attempt)
		if attempt < 3 {
			return errors.New("gateway busy")
		}
		close(done)
		return nil
	}, router.Name("charge"), router.Retry(5, router.Exponential(time.Millisecond).Max(time.Second)))

	defer serve(r)()
	_ = router.NewPublisher(r, Charges).Publish(ctx, ChargeCard{"4111"})
	<-done
	// Output:
	// attempt 1
	// attempt 2
	// attempt 3
}

// A permanent error sends the message to the dead letter topic at once.
func ExamplePermanent() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.Consume(r, Charges, func(ctx context.Context, c ChargeCard) error {
		return router.Permanent(errors.New("card is stolen"))
	}, router.Name("charge"), router.OnDead(func(ctx context.Context, c ChargeCard, err error) {
		fmt.Println("gave up on", c.Card+":", err)
	}))
	r.Handle("charges.dlq", func(m *message.Message) error {
		fmt.Println(m.Metadata["leat-error-kind"], "after", m.Metadata["leat-attempts"], "attempt")
		close(done)
		return nil
	}, router.Name("letters"))

	defer serve(r)()
	_ = router.NewPublisher(r, Charges).Publish(ctx, ChargeCard{"4111"})
	<-done
	// Unordered output:
	// gave up on 4111: card is stolen
	// permanent after 1 attempt
}

// RetryAfter chooses the next wait: what a server asked for, for instance.
func ExampleRetryAfter() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.Consume(r, Charges, func(ctx context.Context, c ChargeCard) error {
		if router.Meta(ctx).Attempt == 1 {
			return router.RetryAfter(10*time.Millisecond, errors.New("too many requests"))
		}
		close(done)
		return nil
	}, router.Name("charge"))

	defer serve(r)()
	_ = router.NewPublisher(r, Charges).Publish(ctx, ChargeCard{"4111"})
	<-done
	fmt.Println("charged")
	// Output: charged
}

// Only the named items of a batch fail; skipped ones have no result.
func ExampleWorkBatch() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.WorkBatch(r, Orders, Invoices, func(ctx context.Context, os []Order) ([]Invoice, error) {
		invoices, failed := make([]Invoice, len(os)), router.BatchErrors{}
		for i, o := range os {
			invoices[i] = Invoice{o.ID, o.Amount}
			if o.Amount == 1 {
				failed[i] = router.Skip
			}
		}
		if len(failed) > 0 {
			return invoices, failed
		}
		return invoices, nil
	}, router.Name("invoice"), router.BatchSize(100), router.BatchWait(10*time.Millisecond))

	router.ConsumeBatch(r, Invoices, func(ctx context.Context, is []Invoice) error {
		fmt.Println(len(is), "invoices, the last for", is[len(is)-1].OrderID)
		close(done)
		return nil
	}, router.Name("print"), router.BatchSize(2))

	defer serve(r)()
	_ = router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 7}, Order{"o-2", "ana", 1}, Order{"o-3", "ana", 9})
	<-done
	// Output: 2 invoices, the last for o-3
}

// Hooks follow a message's fate and cannot change it.
func ExampleOnSuccess() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.Work(r, Orders, Invoices, func(ctx context.Context, o Order) (Invoice, error) {
		if router.Meta(ctx).Attempt == 1 {
			return Invoice{}, errors.New("printer jam")
		}
		return Invoice{o.ID, o.Amount}, nil
	}, router.Name("invoice"), router.Retry(3, router.Fixed(time.Millisecond)),
		router.OnError(func(ctx context.Context, o Order, err error) { fmt.Println(o.ID, "failed:", err) }),
		router.OnSuccess(func(ctx context.Context, o Order, i Invoice) {
			fmt.Println(o.ID, "is invoiced")
			close(done)
		}))

	defer serve(r)()
	_ = router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 7})
	<-done
	// Output:
	// o-1 failed: printer jam
	// o-1 is invoiced
}

// A pull loop ends each message by hand.
func ExampleMessages() {
	ctx := context.Background()
	r := router.New(memory.New(), silent())
	_ = router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 7}, Order{"o-2", "ana", 9})

	total := 0
	for d, err := range router.Messages(ctx, r, Orders, router.Group("totals")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total += d.Value.Amount
		d.Ack()
		if d.Value.ID == "o-2" {
			break
		}
	}
	fmt.Println(total)
	// Output: 16
}

// A state topic keeps the newest value of each key; a tombstone deletes one.
func ExamplePublisher_Delete() {
	ctx, done := context.Background(), make(chan struct{}, 1)
	r := router.New(memory.New(), silent())

	router.Consume(r, Accounts, func(ctx context.Context, a *Account) error {
		if a == nil {
			fmt.Println("account", router.Meta(ctx).Key, "is closed")
		} else {
			fmt.Println("account", a.Number, "holds", a.Balance)
		}
		done <- struct{}{}
		return nil
	}, router.Name("ledger"))

	defer serve(r)()
	p := router.NewPublisher(r, Accounts)
	_ = p.Publish(ctx, &Account{"DE1", 10})
	<-done
	_ = p.Delete(ctx, "DE1")
	<-done
	// Output:
	// account DE1 holds 10
	// account DE1 is closed
}

// An invalid value is refused before anything is sent.
func ExamplePublisher_Publish() {
	ctx := context.Background()
	r := router.New(memory.New(), silent())

	err := router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 0})
	fmt.Println(errors.Is(err, router.ErrInvalid), err)
	// Output: true publish to orders: router_test.Order is invalid: Order.Amount must be min 1
}

// Values go out without waiting for each; the last function that ends says that the broker has answered for all.
func ExamplePublisher_PublishAsync() {
	ctx := context.Background()
	r := router.New(memory.New(), router.Service("shop"), silent())
	orders := router.NewPublisher(r, Orders)
	defer serve(r)()

	var answered sync.WaitGroup
	var failed atomic.Int64
	for i := range 1000 {
		answered.Add(1)
		orders.PublishAsync(ctx, Order{fmt.Sprint("o-", i), "ana", 1}, func(_ router.Receipt, err error) {
			if err != nil {
				failed.Add(1)
			}
			answered.Done()
		})
	}
	answered.Wait()
	fmt.Println(failed.Load(), "of 1000 were not written")
	// Output: 0 of 1000 were not written
}

// A producer sends by topic name, and a map becomes JSON.
func ExampleProducer() {
	ctx := context.Background()
	r := router.New(memory.New(), silent())

	receipt, err := router.NewProducer(r).Send(ctx, "visits", map[string]any{"page": "/"}, router.Key("ana"))
	fmt.Println(receipt.Topic, receipt.Partition, receipt.Offset, err)
	// Output: visits 0 0 <nil>
}

// Middleware wraps every handler of a router; any of Watermill's fits, too.
func ExampleUse() {
	ctx, done := context.Background(), make(chan struct{})
	logged := func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			fmt.Println("before", router.Meta(m.Context()).Handler)
			out, err := next(m)
			fmt.Println("after, with", len(out), "result")
			return out, err
		}
	}
	r := router.New(memory.New(), silent(), router.Use(logged))

	router.Work(r, Orders, Invoices, func(ctx context.Context, o Order) (Invoice, error) {
		return Invoice{o.ID, o.Amount}, nil
	}, router.Name("invoice"), router.OnDone(func(context.Context, Order) { close(done) }))

	defer serve(r)()
	_ = router.NewPublisher(r, Orders).Publish(ctx, Order{"o-1", "ana", 7})
	<-done
	// Output:
	// before invoice
	// after, with 1 result
}

package router_test

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// TicketEvent is anything that happens to a ticket.
type TicketEvent interface{ TicketID() string }

type TicketOpened struct{ Ticket, Title string }

type TicketClosed struct{ Ticket string }

func (e TicketOpened) TicketID() string { return e.Ticket }
func (e TicketClosed) TicketID() string { return e.Ticket }

var Tickets = topics.Event[TicketEvent]{
	Name: "tickets", Key: TicketEvent.TicketID,
	Cases: []TicketEvent{TicketOpened{}, TicketClosed{}},
}

// One topic carries two types, and a ticket's events keep their order across them.
func ExampleByType() {
	ctx, done := context.Background(), make(chan struct{})
	r := router.New(memory.New(), silent())

	router.Consume(r, Tickets, router.ByType[TicketEvent](
		router.On(func(ctx context.Context, e TicketOpened) error {
			fmt.Println("opened:", e.Title)
			return nil
		}),
		router.On(func(ctx context.Context, e TicketClosed) error {
			fmt.Println("closed:", e.Ticket)
			close(done)
			return nil
		}),
	), router.Name("tickets"))

	defer serve(r)()
	_ = router.NewPublisher(r, Tickets).Publish(ctx, TicketOpened{"t-1", "no sound"}, TicketClosed{"t-1"})
	<-done
	// Output:
	// opened: no sound
	// closed: t-1
}

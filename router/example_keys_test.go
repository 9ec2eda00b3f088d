package router_test

import (
	"context"
	"fmt"

	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

var Shipments = topics.Event[Shipment]{Name: "shipments", Key: Shipment.Depot, KeyFormat: topics.Avro}

type Shipment struct{ From, To string }

func (s Shipment) Depot() string { return s.From }

// Keys of a topic with a KeyFormat are bytes of that format at the broker, and text in code.
func Example_keyFormat() {
	c, err := avro.New(avro.Config{}) // with URLs: a schema registry
	if err != nil {
		fmt.Println(err)
		return
	}
	b := memory.New()
	r := router.New(b, router.Service("depots"), router.Codec(topics.Avro, c), silent())
	done := make(chan string)
	router.Consume(r, Shipments, func(ctx context.Context, s Shipment) error {
		done <- router.Meta(ctx).Key + " ships to " + s.To
		return nil
	}, router.Name("ship"))
	stop := serve(r)
	if err := router.NewPublisher(r, Shipments).Publish(context.Background(), Shipment{From: "oslo", To: "rome"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-done)
	fmt.Printf("%x\n", b.Records("shipments")[0].Key)
	stop()
	// Output:
	// oslo ships to rome
	// c301c70345637248018f086f736c6f
}

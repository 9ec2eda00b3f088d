package router_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// Counts that a metrics system can read: expvar.Publish shows them under /debug/vars.
func ExampleRouter_Stats() {
	r := router.New(memory.New(), silent())
	counts := expvar.Func(func() any { return r.Stats() })

	buried := make(chan struct{})
	jobs := topics.Event[string]{Name: "jobs"}
	router.Consume(r, jobs, func(context.Context, string) error {
		return router.Permanent(errors.New("nobody does this"))
	}, router.Name("do"), router.OnDead(func(context.Context, string, error) { close(buried) }))

	defer serve(r)()
	_ = router.NewPublisher(r, jobs).Publish(context.Background(), "sweep")
	<-buried
	fmt.Println(counts)
	// Output: {"retries":0,"dead_letters":1,"dropped":0,"schema_waits":0,"hook_faults":0,"overdue":0,"lost_sends":0,"held_up":0}
}

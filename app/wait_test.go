package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
)

// waits returns the waits between the attempts of a handler h that always fails.
func waits(t *testing.T, env []string, code router.Option) (ds []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dead := make(chan struct{})
		var last time.Time
		a := started(t, with(t, env, app.Publish(orders), app.ConsumeFunc(orders, func(context.Context, order) error {
			if !last.IsZero() {
				ds = append(ds, time.Since(last))
			}
			last = time.Now()
			return errors.New("no")
		}, router.Name("h"), code, router.OnDead(func(context.Context, any, error) { close(dead) }))))
		if _, err := router.NewProducer(a.Router()).Send(t.Context(), "orders", order{"1"}); err != nil {
			t.Fatal(err)
		}
		<-dead
	})
	return ds
}

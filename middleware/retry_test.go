package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/middleware"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

var errBusy = errors.New("busy")

func TestRetrySleepsOutsideOfLeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name string
			err  error
			want []string
		}{
			{"by the backoff", errBusy, []string{"0s", "1s", "3s"}},
			{"not when permanent", router.Permanent(errBusy), []string{"0s"}},
			{"as asked", router.RetryAfter(5*time.Second, errBusy), []string{"0s", "5s", "10s"}},
		} {
			var calls []string
			begin := time.Now()
			h := middleware.Retry(2, router.Exponential(time.Second).Wait)(func(*message.Message) ([]*message.Message, error) {
				calls = append(calls, fmt.Sprint(time.Since(begin)))
				return nil, c.err
			})
			if _, err := h(message.NewMessage("1", nil)); !errors.Is(err, errBusy) {
				t.Errorf("%s: %v", c.name, err)
			}
			if diff := cmp.Diff(c.want, calls); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
	})
}

func TestRetryStopsSleepingWithTheMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := message.NewMessage("1", nil)
		m.SetContext(ctx)
		begin := time.Now()
		h := middleware.Retry(5, router.Fixed(time.Hour).Max(time.Hour).Wait)(func(*message.Message) ([]*message.Message, error) { return nil, errBusy })
		if _, err := h(m); !errors.Is(err, errBusy) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// delivery stands for a message of leat.
type delivery struct {
	attempt int
	waits   []time.Duration
}

func (d *delivery) Attempt() int              { return d.attempt }
func (d *delivery) Redeliver(w time.Duration) { d.waits = append(d.waits, w) }
func (d *delivery) OnSettled(func(error))     {}

func TestRetryGivesMessagesOfLeatBack(t *testing.T) {
	t.Parallel()
	d := &delivery{}
	calls := 0
	h := middleware.Retry(2, router.Linear(time.Second).Wait)(func(*message.Message) ([]*message.Message, error) {
		calls++
		return nil, errBusy
	})
	for d.attempt = 1; d.attempt <= 3; d.attempt++ {
		m := message.NewMessage("1", nil)
		m.SetContext(broker.NewContext(t.Context(), d))
		if _, err := h(m); !errors.Is(err, errBusy) {
			t.Errorf("attempt %d: %v", d.attempt, err)
		}
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, d.waits); diff != "" || calls != 3 {
		t.Errorf("%d calls, %s", calls, diff)
	}
}

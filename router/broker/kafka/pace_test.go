package kafka

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestPollingIsNotFarAheadOfTheWorkers has a topic whose handlers are busy and one whose handlers are not, and no client.
func TestPollingIsNotFarAheadOfTheWorkers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		topic string
		left  int64
		want  time.Duration
	}{
		"much is left":              {"busy", paceAbove, 2 * time.Millisecond},
		"the client fetches soon":   {"busy", paceAbove - 1, 0},
		"the handlers are slow":     {"slow", paceAbove, paceWithin},
		"others had nothing":        {"quiet", paceAbove, 0},
		"a topic of nobody":         {"other", paceAbove, 0},
		"the member is needed else": {"stuck", paceAbove, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &consumer{engines: map[string]*engine{
					"busy": busy(t, 2*time.Millisecond), "slow": busy(t, time.Minute), "stuck": busy(t, time.Minute), "quiet": dispatch.New(dispatch.Config[*broker.Record]{}),
				}}
				defer c.closeEngines()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.topic == "stuck" {
					time.AfterFunc(time.Millisecond, cancel)
				}
				begun := time.Now()
				c.pace(ctx, kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: tt.topic}}}}, tt.left)
				if got := time.Since(begun); got != tt.want {
					t.Errorf("it waits for %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// busy is an engine that has more to do than it needs for as long.
func busy(t *testing.T, long time.Duration) *engine {
	t.Helper()
	e := dispatch.New(dispatch.Config[*broker.Record]{Run: func(it *item) {
		select {
		case <-time.After(long):
			it.Done()
		case <-it.Context().Done():
		}
	}})
	var es []entry
	for i := range int64(1002) { // one of them runs, one is too many
		es = append(es, entry{Position: i, Value: &broker.Record{}})
	}
	e.Assign(0, 0).Feed(es...)
	synctest.Wait()
	return e
}

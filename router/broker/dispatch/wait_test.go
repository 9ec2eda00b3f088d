package dispatch_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// untilFinished waits until all that was fed is done; it fails after an hour of virtual time.
// The context that it returns is the test's.
func untilFinished(t *testing.T, e *dispatch.Engine[string]) context.Context {
	t.Helper()
	for end := time.Now().Add(time.Hour); e.Stats().Delivered > 0; {
		if time.Now().After(end) {
			t.Fatalf("not finished: %+v", e.Stats())
		}
		pause(time.Millisecond)
	}
	return t.Context()
}

// pause lets virtual time pass.
func pause(d time.Duration) { <-time.After(d) }

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

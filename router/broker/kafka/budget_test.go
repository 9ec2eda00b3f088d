package kafka

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetGivesRoomInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		take(t, b, 8)
		turns := make(chan string, 2)
		for _, c := range []struct {
			name string
			n    int64
		}{{"big", 9}, {"small", 1}} {
			go func() {
				take(t, b, c.n)
				turns <- c.name
			}()
			synctest.Wait()
		}
		if len(turns) > 0 {
			t.Errorf("%s went before its turn", <-turns)
		}
		b.give(8)
		synctest.Wait()
		if len(turns) != 2 {
			t.Errorf("%d have room, want both", len(turns))
		}
	})
}

func take(t *testing.T, b *budget, n int64) {
	t.Helper()
	if err := b.take(t.Context(), n); err != nil {
		t.Error(err)
	}
}

func TestBudgetWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		take(t, b, 1000) // counts as all there is
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.take(ctx, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		b.give(1000)
		take(t, b, 10) // what gave up took nothing
	})
}

package kafka

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestNothingIsPausedWhileAllPartitionsAreFull has no client: pausing would panic.
func TestNothingIsPausedWhileAllPartitionsAreFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		e := dispatch.New(dispatch.Config[*broker.Record]{Records: 4, Concurrency: 4, Run: func(it *item) {
			<-done
			it.Done()
		}})
		defer e.Close()
		c := &consumer{parts: map[place]*part{}}
		var ps []*part
		for id := range int32(2) {
			p := &part{place: place{"t", id}, gen: e.Assign(id, 0)}
			c.parts[p.place] = p
			ps = append(ps, p)
		}
		for _, p := range ps {
			if !p.gen.Feed(make([]entry, 4)...) {
				t.Fatal("the partition is not full")
			}
		}
		var over atomic.Bool
		go func() {
			c.makeRoom(t.Context(), ps)
			over.Store(true)
		}()
		wait(time.Hour)
		if over.Load() {
			t.Error("it does not wait for room")
		}
		close(done)
		wait(breather)
		if !over.Load() {
			t.Error("it waits for more than room")
		}
	})
}

// wait lets virtual time pass, until nothing runs any more.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

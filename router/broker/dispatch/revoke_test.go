package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestRevokeWaitsForWhatRunsAndStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.at(it.Value)
			pause(3 * time.Second)
			it.Done()
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2 b1")...)
		synctest.Wait()
		p.Revoke(within(t, time.Minute))
		l.at("revoked")
		pause(time.Minute)
		if diff := cmp.Diff([]string{"0s a1", "3s revoked"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(dispatch.Progress{Next: 1}, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRevokeWaitsForWhatWasReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: acked(l, 3*time.Second)})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2")...)
		synctest.Wait()
		p.Revoke(within(t, time.Minute))
		l.at("revoked")
		if diff := cmp.Diff([]string{"0s a1", "0s a2", "3s revoked"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if p.Next() != 2 {
			t.Errorf("next position is %d, want 2", p.Next())
		}
	})
}

func TestRevokeWaitsForTasksAndCallbacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{
			Run: func(it *item) {
				it.Release()
				time.AfterFunc(time.Second, func() {
					it.Then(func() { pause(time.Second); l.at("task") })
					it.Done()
				})
			},
			Finished: func(*item) { pause(3 * time.Second); l.at("finished") },
		})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait()
		p.Revoke(within(t, time.Minute))
		l.at("revoked")
		if diff := cmp.Diff([]string{"2s task", "4s finished", "4s revoked"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRevokeRunsTheTasksOfAKeyWhoseNextMessageWasReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) { // one worker, busy with b1
			if it.Value == "b1" {
				pause(time.Second)
				it.Done()
				return
			}
			it.Release() // makes a2 ready
			it.Then(func() { pause(time.Second); l.at("task of " + it.Value) })
			it.Done()
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 a2")...)
		synctest.Wait()
		p.Revoke(within(t, time.Minute))
		l.at("revoked")
		if diff := cmp.Diff([]string{"2s task of a1", "2s revoked"}, l.all()[len(l.all())-2:]); diff != "" {
			t.Error(diff, l.all())
		}
	})
}

func TestRevokeGivesParkedMessagesBackWithTheirAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		due := now.Add(time.Hour)
		e := start(t, config{Concurrency: 2, Run: func(it *item) {
			pause(time.Second)
			it.Park(2, due, now)
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 a2")...)
		pause(500 * time.Millisecond)
		p.Revoke(within(t, time.Minute))
		want := dispatch.Progress{Waiting: []dispatch.Waiting{
			{Position: 0, Attempt: 2, Due: due, FirstFailed: now},
			{Position: 1, Attempt: 2, Due: due, FirstFailed: now},
		}}
		if diff := cmp.Diff(want, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRevokeEndsContextsAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Concurrency: 2, Run: func(it *item) {
			<-it.Context().Done()
			l.at("context of " + it.Value)
			if !errors.Is(context.Cause(it.Context()), dispatch.ErrLost) {
				t.Errorf("cause is %v", context.Cause(it.Context()))
			}
			if it.Value == "a1" {
				it.Return()
				return
			}
			pause(time.Minute) // obeys nobody
			it.Done()
			l.at("late")
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 a2")...)
		synctest.Wait()
		p.Revoke(within(t, 5*time.Second))
		l.at("revoked")
		pause(time.Hour)
		want := []string{"5s context of a1", "5s context of b1"}
		if diff := cmp.Diff(want, sorted(l.of("5s"))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"6s revoked", "1m5s late"}, l.all()[2:]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(dispatch.Progress{}, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRevokeWaitsNoLongerThanTheLastHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Run: func(it *item) {
			<-it.Context().Done()
			pause(100 * time.Millisecond)
			it.Return()
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait()
		begun := time.Now()
		p.Revoke(within(t, time.Second))
		if took := time.Since(begun); took != 1100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestANewGenerationStartsBesideLateCallsOfTheOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		late := make(chan *item, 1)
		finished := newLog()
		e := start(t, config{
			Concurrency: 2,
			Run: func(it *item) {
				if it.Partition().ID == 0 {
					<-it.Context().Done()
					late <- it
					return
				}
				l.at(it.Value)
				it.Done()
			},
			Finished: func(it *item) { finished.add(it.Value) },
			Parked:   func(it *item) { t.Errorf("parked %s", it.Value) },
		})
		old := e.Assign(0, 0)
		old.Feed(entries(0, "a1 a2")...)
		synctest.Wait()
		old.Drop()
		e.Assign(1, 0).Feed(entries(0, "a1 a2")...)
		it := <-late
		it.Then(func() { t.Error("a task of a lost partition ran") })
		it.Park(2, time.Now(), time.Now())
		it.Done()
		it.Release()
		it.Hold()
		it.Return()
		untilFinished(t, e)
		synctest.Wait()
		if diff := cmp.Diff([]string{"0s a1", "0s a2"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a1", "a2"}, finished.all()); diff != "" {
			t.Error(diff)
		}
		if old.Next() != 0 {
			t.Errorf("next position of the lost generation is %d", old.Next())
		}
	})
}

func TestDropEndsARevokeThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Run: func(it *item) { <-it.Context().Done() }})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait()
		revoked := make(chan struct{})
		go func() { p.Revoke(t.Context()); close(revoked) }()
		synctest.Wait()
		p.Drop()
		<-revoked
		p.Revoke(t.Context()) // of what is dropped already
	})
}

func TestDropStopsParkedMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: failing(l, 1, time.Second)})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait()
		p.Drop()
		pause(time.Minute)
		if diff := cmp.Diff([]string{"0s a1#1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDrainRevokesAllPartitionsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Concurrency: 3, Run: func(it *item) { pause(3 * time.Second); it.Done() }})
		var ps []*partition
		for id := range int32(3) {
			p := e.Assign(id, 0)
			p.Feed(entries(0, "a1 a2")...)
			ps = append(ps, p)
		}
		synctest.Wait()
		begun := time.Now()
		e.Drain(within(t, time.Minute))
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		for _, p := range ps {
			if p.Next() != 1 {
				t.Errorf("next position of partition %d is %d, want 1", p.ID, p.Next())
			}
		}
	})
}

func TestCloseStopsWorkersAndHandsOverNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]config{
		"one by one": {},
		"a batch that is being filled": {BatchSize: 10, BatchWait: time.Hour, RunBatch: func(b []*item) {
			panic(fmt.Sprint("handed over ", words(b)))
		}},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if cfg.RunBatch == nil {
					cfg.Run = func(it *item) { <-it.Context().Done(); it.Done() }
				}
				cfg.Concurrency = 3
				e := dispatch.New(cfg)
				p := e.Assign(0, 0)
				p.Feed(entries(0, "a1 b1")...)
				synctest.Wait()
				e.Close()
				e.Close()
				if !e.Assign(1, 0).Feed(entries(0, "c1")...) {
					t.Error("a closed engine takes messages")
				}
				if p.Next() != 0 {
					t.Errorf("next position is %d", p.Next())
				}
			}) // the bubble ends when the workers have
		})
	}
}

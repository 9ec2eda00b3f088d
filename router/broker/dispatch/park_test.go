package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// failing parks a1 until it has failed times times, after wait each.
func failing(l *log, times int, wait time.Duration) func(*item) {
	return func(it *item) {
		l.at(attempt(it))
		if it.Value == "a1" && it.Attempt() <= times {
			it.Park(it.Attempt()+1, time.Now().Add(wait), time.Now())
			return
		}
		it.Done()
	}
}

func TestAParkedKeyWaitsAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: failing(l, 2, 3*time.Second)}) // one worker
		e.Assign(0, 0).Feed(entries(0, "a1 a2 b1 b2")...)
		untilFinished(t, e)
		want := []string{"0s a1#1", "0s b1#1", "0s b2#1", "3s a1#2", "6s a1#3", "6s a2#1"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatArrivesForAParkedKeyWaitsBehindIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Concurrency: 4, Run: failing(l, 1, 3*time.Second)})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		pause(time.Second)
		p.Feed(entries(1, "a2 b1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1#1", "1s b1#1", "3s a1#2", "3s a2#1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParkWithoutAWaitRunsAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		second := make(chan struct{})
		e := start(t, config{Concurrency: 2, Run: func(it *item) {
			l.add(attempt(it))
			if it.Attempt() == 1 {
				it.Park(2, time.Time{}, time.Now())
				<-second // the first call ends when the second one runs
				return
			}
			close(second)
			pause(time.Second)
			it.Done()
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"a1#1", "a1#2"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if p.Next() != 1 {
			t.Errorf("next position is %d, want 1", p.Next())
		}
	})
}

func TestParkAfterReleaseGoesBackInFront(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.at(attempt(it))
			if it.Value == "a1" && it.Attempt() == 1 {
				it.Release()
				time.AfterFunc(time.Second, func() { it.Park(2, time.Now().Add(time.Second), time.Now()) })
				return
			}
			pause(1500 * time.Millisecond)
			it.Done()
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 a2 a3")...)
		untilFinished(t, e)
		want := []string{"0s a1#1", "0s a2#1", "2s a1#2", "3.5s a3#1"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnEarlierDueInFrontOfALaterOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.at(attempt(it))
			switch {
			case it.Attempt() > 1:
				it.Done()
			case it.Value == "a1":
				it.Release()
				time.AfterFunc(time.Second, func() { it.Park(2, time.Now().Add(time.Second), time.Now()) })
			default:
				it.Park(2, time.Now().Add(10*time.Second), time.Now())
			}
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 a2")...)
		untilFinished(t, e)
		want := []string{"0s a1#1", "0s a2#1", "2s a1#2", "10s a2#2"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAttemptsOfAnEarlierOwnerGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		failed := time.Now().Add(-time.Minute)
		e := start(t, config{Run: func(it *item) {
			if it.Value == "a1" && !it.FirstFailed().Equal(failed) {
				t.Errorf("first failed at %v, want %v", it.FirstFailed(), failed)
			}
			l.at(attempt(it))
			it.Done()
		}})
		es := entries(0, "a1 a2 b1")
		es[0].Attempt, es[0].Due, es[0].FirstFailed = 3, time.Now().Add(2*time.Second), failed
		e.Assign(0, 0).Feed(es...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s b1#1", "2s a1#3", "2s a2#1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParkedIsToldBeforeTheNextAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := config{Concurrency: 2, Run: failing(l, 1, 0)}
		cfg.Parked = func(it *item) {
			pause(time.Second)
			l.at("parked " + attempt(it))
		}
		e := start(t, cfg)
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2")...)
		pause(500 * time.Millisecond)
		p.Feed(entries(2, "a3")...)
		untilFinished(t, e)
		want := []string{"0s a1#1", "1s parked a1#2", "1s a1#2", "1s a2#1", "1s a3#1"}
		synctest.Wait()
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestASecondEndIsIgnored(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*item){
		"done twice":       func(it *item) { it.Done(); it.Done() },
		"park after done":  func(it *item) { it.Done(); it.Park(2, time.Time{}, time.Now()) },
		"return then done": func(it *item) { it.Return(); it.Done() },
		"release after end": func(it *item) {
			it.Done()
			it.Release()
			it.Hold()
			it.Return()
		},
		"parked by two at once": func(it *item) {
			if it.Attempt() == 2 {
				it.Done()
				return
			}
			due := time.Now().Add(time.Hour)
			it.Park(2, due, time.Now())
			it.Park(7, due, time.Now())
			it.Done()
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				finished := 0
				e := start(t, config{
					Run:      func(it *item) { end(it) },
					Finished: func(*item) { finished++ },
				})
				p := e.Assign(0, 0)
				p.Feed(entries(0, "a1")...)
				pause(2 * time.Hour)
				p.Revoke(t.Context())
				if want := int(p.Next()); finished != want {
					t.Errorf("finished %d times, the end is %d", finished, want)
				}
			})
		})
	}
}

func TestAHandlerThatEndsNothingGivesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.add(it.Value)
			if it.Value != "a1" {
				it.Done()
			}
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2 b1")...)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a1", "b1"}, l.all()); diff != "" {
			t.Error(diff)
		}
		want := dispatch.Progress{Next: 0, Finished: []dispatch.Run{{From: 2, To: 2}}}
		if diff := cmp.Diff(want, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

package dispatch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// batches takes batches of three that wait a second.
func batches(l *log, end func([]*item)) config {
	return config{BatchSize: 3, BatchWait: time.Second, RunBatch: func(b []*item) {
		l.at(words(b))
		end(b)
	}}
}

func allDone(b []*item) {
	for _, it := range b {
		it.Done()
	}
}

func TestBatchIsHandedOverWhenFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, batches(l, allDone))
		e.Assign(0, 0).Feed(entries(0, "a1 b1 c1 d1 e1 f1 g1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1 b1 c1", "0s d1 e1 f1", "1s g1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBatchWaitCountsFromTheFirstMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, batches(l, allDone))
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		pause(700 * time.Millisecond)
		p.Feed(entries(1, "b1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"1s a1 b1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBatchWithoutAWaitTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, allDone)
		cfg.BatchWait = 0
		e := start(t, cfg)
		e.Assign(0, 0).Feed(entries(0, "a1 a2")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1 a2"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBatchHoldsARunPerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, allDone)
		cfg.BatchSize = 5
		e := start(t, cfg)
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 a2")...)
		pause(time.Millisecond)
		p.Feed(entries(3, "a3 b2 a4")...)
		untilFinished(t, e)
		got := l.all()
		if len(got) != 2 || !strings.HasPrefix(got[0], "1ms ") || !strings.HasSuffix(got[1], " a4") && !strings.HasSuffix(got[1], " b2") {
			t.Fatalf("batches are %q", got)
		}
		checkRuns(t, got)
	})
}

// checkRuns wants the messages of each key in the order of their numbers.
func checkRuns(t *testing.T, batches []string) {
	t.Helper()
	next := map[byte]byte{}
	for w := range strings.FieldsSeq(strings.Join(batches, " ")) {
		if len(w) != 2 {
			continue // a time
		}
		if last := next[w[0]]; w[1] != max(last, '0')+1 {
			t.Errorf("%s comes behind number %c in %q", w, last, batches)
		}
		next[w[0]] = w[1]
	}
}

func TestOneBatchIsFilledAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, func(b []*item) { pause(time.Minute); allDone(b) })
		cfg.Concurrency = 2
		e := start(t, cfg)
		p := e.Assign(0, 0)
		for i, w := range strings.Fields("a1 b1 c1 d1 e1 f1") {
			p.Feed(entries(int64(i), w)...)
			pause(100 * time.Millisecond)
		}
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"200ms a1 b1 c1", "500ms d1 e1 f1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBatchesRunSideBySideButNoKeyDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, func(b []*item) { pause(10 * time.Second); allDone(b) })
		cfg.Concurrency = 2
		e := start(t, cfg)
		e.Assign(0, 0).Feed(entries(0, "a1 a2 a3 a4 b1 b2 b3")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1 a2 a3", "0s b1 b2 b3", "11s a4"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAFailedItemComesAgainBeforeThoseBehindIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := config{BatchSize: 4, BatchWait: time.Second, Concurrency: 2}
		cfg.RunBatch = func(b []*item) {
			l.at(attempts(b))
			for _, it := range b {
				switch {
				case it.Value == "a1" && it.Attempt() == 1:
					it.Park(2, time.Now().Add(5*time.Second), time.Now())
				case it.Value == "a2" && len(l.all()) == 1: // behind the failed one in its batch
					it.Park(it.Attempt(), time.Time{}, it.FirstFailed())
				default:
					it.Done()
				}
			}
		}
		e := start(t, cfg)
		e.Assign(0, 0).Feed(entries(0, "a1 a2 b1 b2 a3")...)
		untilFinished(t, e)
		want := []string{"0s a1#1 a2#1 a3#1 b1#1", "1s b2#1", "6s a1#2 a2#1"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func attempts(b []*item) string {
	var s []string
	for _, it := range b {
		s = append(s, attempt(it))
	}
	return strings.Join(s, " ")
}

func TestThenBetweenBatchesOfOneWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, batches(l, func(b []*item) {
			for _, it := range b {
				it.Release()
				it.Then(func() { l.at("then " + it.Value) })
				it.Done()
			}
		}))
		e.Assign(0, 0).Feed(entries(0, "a1 a2 a3 a4")...)
		untilFinished(t, e)
		synctest.Wait()
		want := []string{"0s a1 a2 a3", "0s then a1", "0s then a2", "0s then a3", "1s a4", "1s then a4"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestABatchMayBeEndedInAnyOrderByItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{BatchSize: 3, RunBatch: func(b []*item) {
			for i, it := range b {
				b[i] = nil // the slice is the handler's
				if it.Value != "b1" {
					it.Done()
				}
			}
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 c1")...)
		pause(time.Second)
		if got := fmt.Sprint(p.Progress()); got != "{1 [{2 2}] []}" {
			t.Errorf("progress is %s", got)
		}
	})
}

func TestRevokeHandsOverTheBatchThatIsFilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, allDone)
		cfg.BatchWait = time.Hour
		e := start(t, cfg)
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1")...)
		synctest.Wait()
		p.Revoke(t.Context())
		if diff := cmp.Diff([]string{"0s a1 b1"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if p.Next() != 2 {
			t.Errorf("next position is %d, want 2", p.Next())
		}
	})
}

func TestALostPartitionLeavesTheBatchThatIsFilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, batches(l, allDone))
		lost, kept := e.Assign(0, 0), e.Assign(1, 0)
		lost.Feed(entries(0, "a1")...)
		kept.Feed(entries(0, "b1")...)
		synctest.Wait()
		lost.Drop()
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s b1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatABatchLeavesGoesToAnotherWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		cfg := batches(l, func(b []*item) { pause(time.Minute); allDone(b) })
		cfg.Concurrency = 2
		e := start(t, cfg)
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait() // one worker fills a batch
		p.Feed(entries(1, "b1 c1 d1 e1 f1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1 b1 c1", "0s d1 e1 f1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// acked releases every message and finishes it later, as a pipeline of outputs does.
func acked(l *log, after time.Duration) func(*item) {
	return func(it *item) {
		l.at(it.Value)
		it.Release()
		time.AfterFunc(after, it.Done)
	}
}

func TestReleaseFreesWorkerAndKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: acked(l, time.Minute)})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2 b1")...)
		synctest.Wait()
		if diff := cmp.Diff([]string{"0s a1", "0s b1", "0s a2"}, l.all()); diff != "" {
			t.Error(diff)
		}
		if p.Next() != 0 {
			t.Errorf("next position is %d before anything is done", p.Next())
		}
		untilFinished(t, e)
		if p.Next() != 3 {
			t.Errorf("next position is %d, want 3", p.Next())
		}
	})
}

func TestHoldStopsTheKeyAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.at(it.Value)
			if it.Value != "a1" {
				it.Done()
				return
			}
			it.Release()
			it.Hold()
			it.Hold() // a second one changes nothing
			time.AfterFunc(time.Second, it.Done)
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 a2 b1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1", "0s b1", "1s a2"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParkEndsAHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			l.at(attempt(it))
			if it.Value != "a1" || it.Attempt() > 1 {
				it.Done()
				return
			}
			it.Release()
			it.Hold()
			time.AfterFunc(time.Second, func() { it.Park(2, time.Now().Add(time.Second), time.Now()) })
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 a2")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"0s a1#1", "2s a1#2", "2s a2#1"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThenRunsAfterWhatRunsAndBeforeWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Concurrency: 3, Run: func(it *item) {
			if it.Value == "a1" {
				it.Release()
				time.AfterFunc(500*time.Millisecond, func() {
					it.Then(func() { pause(time.Second); l.at("then 1") })
					it.Then(func() { l.at("then 2") })
					it.Done()
				})
			}
			pause(time.Second)
			l.at(it.Value)
			it.Done()
		}})
		// a1 frees the key at once, so a1 and a2 end together; the tasks come before a3.
		e.Assign(0, 0).Feed(entries(0, "a1 a2 a3 b1")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"1s a1", "1s a2", "1s b1"}, sorted(l.of("1s"))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"2s then 1", "2s then 2", "3s a3"}, append(l.of("2s"), l.of("3s")...)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThenAfterDoneKeepsTheOrderOfTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		took := make(chan *item, 1)
		e := start(t, config{Concurrency: 2, Run: func(it *item) { // forgets the key when it is done
			l.at(it.Value)
			it.Done()
			if it.Value == "a1" {
				took <- it
			}
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		first := <-took
		first.Then(func() { pause(time.Second); l.at("then") })
		p.Feed(entries(1, "a2")...)
		pause(2 * time.Second)
		first.Then(func() { l.at("then again") })
		synctest.Wait()
		want := []string{"0s a1", "1s then", "1s a2", "2s then again"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThenComesBeforeAMessageThatIsReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) { // one worker: a2 is ready while b1 runs
			l.add(it.Value)
			switch it.Value {
			case "a1":
				it.Release()
				time.AfterFunc(time.Second, func() { it.Then(func() { l.add("then") }); it.Done() })
				return
			case "b1":
				pause(2 * time.Second)
			}
			it.Done()
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 b1 a2")...)
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"a1", "b1", "then", "a2"}, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

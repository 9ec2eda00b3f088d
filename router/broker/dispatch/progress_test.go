package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := time.Now()
		due := failed.Add(time.Hour)
		e := start(t, config{Concurrency: 9, Run: func(it *item) {
			switch it.Key() {
			case "p":
				it.Park(3, due, failed)
			case "w":
				<-it.Context().Done()
			default:
				it.Done()
			}
		}})
		p := e.Assign(0, 5)
		if diff := cmp.Diff(dispatch.Progress{Next: 5}, p.Progress()); diff != "" {
			t.Error(diff)
		}
		feedAt(p, map[string][]int64{"d": {10, 12}, "w": {20}, "e": {21, 30, 31}, "p": {40}, "f": {41}}, 10, 12, 20, 21, 30, 31, 40, 41)
		p.Feed(entry{Position: 50, Finished: true}, entry{Position: 51, Key: []byte("w")}, entry{Position: 60, Finished: true})
		synctest.Wait()
		want := dispatch.Progress{
			Next:     20,
			Finished: []dispatch.Run{{From: 21, To: 31}, {From: 41, To: 50}, {From: 60, To: 60}},
			Waiting:  []dispatch.Waiting{{Position: 40, Attempt: 3, Due: due, FirstFailed: failed}},
		}
		if diff := cmp.Diff(want, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

// feedAt feeds the positions in order, each with the key that names it.
func feedAt(p *partition, keys map[string][]int64, order ...int64) {
	at := map[int64]string{}
	for k, ps := range keys {
		for _, pos := range ps {
			at[pos] = k
		}
	}
	for _, pos := range order {
		p.Feed(entry{Position: pos, Key: []byte(at[pos])})
	}
}

func TestTheEndCrossesGapsAndWhatWasFinishedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Run: func(it *item) { it.Done() }})
		p := e.Assign(0, 3)
		p.Feed(entry{Position: 7, Finished: true})
		if p.Next() != 8 {
			t.Errorf("next position is %d, want 8", p.Next())
		}
		p.Feed(entry{Position: 9, Key: []byte("a")}, entry{Position: 100, Finished: true}, entry{Position: 200, Key: []byte("a")})
		untilFinished(t, e)
		if diff := cmp.Diff(dispatch.Progress{Next: 201}, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

package dispatch_test

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

func TestMessagesOfAKeyRunInOrder(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 10, 100} {
		t.Run(fmt.Sprintf("concurrency %d", concurrency), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testKeyedOrder(t, concurrency) })
		})
	}
}

func testKeyedOrder(t *testing.T, concurrency int) {
	t.Helper()
	const keys, each = 20, 30
	var busy [keys]atomic.Bool
	var got [keys][]string
	e := start(t, config{Concurrency: concurrency, Run: func(it *item) {
		k := it.Position % keys
		if busy[k].Swap(true) {
			t.Errorf("two messages of key %d at once", k)
		}
		pause(time.Duration(it.Position%7) * time.Millisecond)
		got[k] = append(got[k], it.Value)
		busy[k].Store(false)
		it.Done()
	}})
	p := e.Assign(0, 0)
	var want [keys][]string
	for i := range int64(keys * each) {
		en := entry{Position: i, Key: []byte(fmt.Sprint("key", i%keys)), Value: strconv.FormatInt(i, 10)}
		want[i%keys] = append(want[i%keys], en.Value)
		p.Feed(en)
	}
	p.Revoke(untilFinished(t, e))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Next() != keys*each {
		t.Errorf("next position is %d, want %d", p.Next(), keys*each)
	}
}

func TestConcurrencyIsTheMostAndIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys, each, workers = 500, 4, 50
		var running, most atomic.Int64
		e := start(t, config{Concurrency: workers, Run: func(it *item) {
			n := running.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			pause(5 * time.Millisecond)
			running.Add(-1)
			it.Done()
		}})
		p := e.Assign(0, 0)
		begun := time.Now()
		for i := range int64(keys * each) {
			p.Feed(entry{Position: i, Key: []byte(strconv.FormatInt(i%keys, 10))})
		}
		untilFinished(t, e)
		ideal := keys * each / workers * 5 * time.Millisecond
		if took := time.Since(begun); took > ideal+ideal/20 {
			t.Errorf("took %v, ideal is %v", took, ideal)
		}
		if most.Load() != workers {
			t.Errorf("%d handlers at once, want %d", most.Load(), workers)
		}
	})
}

func TestLanesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Run: func(it *item) {
			pause(time.Millisecond)
			l.add(it.Value)
			it.Done()
		}})
		e.Assign(0, 0).Feed(entries(0, "a1 a2 a3 b1 b2 c1")...)
		untilFinished(t, e)
		want := []string{"a1", "b1", "c1", "a2", "b2", "a3"}
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMessagesWithoutAKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		unordered bool
		want      []string
	}{
		{"are one line per partition", false, []string{"1ms -1", "2ms -2", "3ms -3"}},
		{"run at once when unordered", true, []string{"1ms -1", "1ms -2", "1ms -3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLog()
				e := start(t, config{Concurrency: 3, Unordered: tt.unordered, Run: func(it *item) {
					pause(time.Millisecond)
					l.at(it.Value)
					it.Done()
				}})
				e.Assign(0, 0).Feed(entries(0, "-1 -2 -3")...)
				untilFinished(t, e)
				got := append(append(l.of("1ms"), l.of("2ms")...), l.of("3ms")...)
				if diff := cmp.Diff(tt.want, sorted(got)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestPartitionsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		e := start(t, config{Concurrency: 2, Run: func(it *item) {
			pause(time.Millisecond)
			l.at(strconv.Itoa(int(it.Partition().ID)))
			it.Done()
		}})
		for id := range int32(2) {
			e.Assign(id, 0).Feed(entries(0, "a1")...)
		}
		untilFinished(t, e)
		if diff := cmp.Diff([]string{"1ms 0", "1ms 1"}, sorted(l.all())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Records: 2, Run: func(it *item) { <-it.Context().Done() }})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 a2 a3")...)
		if diff := cmp.Diff(dispatch.Stats{Delivered: 3, Paused: 1}, e.Stats()); diff != "" {
			t.Error(diff)
		}
		p.Drop()
		if diff := cmp.Diff(dispatch.Stats{}, e.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// gate lets one message end per value that is sent.
type gate chan struct{}

func (g gate) run(it *item) {
	select {
	case <-g:
		it.Done()
	case <-it.Context().Done():
	}
}

func (g gate) open(n int) {
	for range n {
		g <- struct{}{}
	}
	synctest.Wait()
}

func TestAPartitionPausesAtABoundAndResumesAtHalf(t *testing.T) {
	t.Parallel()
	tests := map[string]config{
		"records": {Records: 10},
		"bytes":   {Bytes: 10},
		"span":    {Span: 10},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testBound(t, cfg) })
		})
	}
}

func testBound(t *testing.T, cfg config) {
	t.Helper()
	l, g := newLog(), gate(make(chan struct{}))
	cfg.Run = g.run
	cfg.Resume = func(p *partition) { l.add(fmt.Sprint("resume at ", p.Next())) }
	e := start(t, cfg)
	p := e.Assign(0, 0)
	if p.Feed(entries(0, "a0 a1 a2 a3 a4 a5 a6 a7 a8")...) {
		t.Error("full below the bound")
	}
	if !p.Feed(entries(9, "a9")...) {
		t.Error("not full at the bound")
	}
	g.open(5)
	if got := l.all(); len(got) > 0 {
		t.Errorf("%q at half", got)
	}
	g.open(1)
	if diff := cmp.Diff([]string{"resume at 6"}, l.all()); diff != "" {
		t.Error(diff)
	}
	if p.Feed(entries(10, "a1")...) {
		t.Error("full after it was resumed")
	}
}

func TestSpanCountsWhatIsFinishedBehindAStuckKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Concurrency: 2, Span: 10, Run: func(it *item) {
			if it.Key() == "a" {
				<-it.Context().Done()
			}
			it.Done()
		}})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1 b1 b2 b3 b4 b5 b6 b7 b8")...)
		synctest.Wait()
		if !p.Feed(entries(9, "b9")...) {
			t.Error("not full although the oldest unfinished message is 10 behind")
		}
	})
}

func TestAPartitionTakesWhatNobodyElseNeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Records: 1200, Run: func(it *item) { <-it.Context().Done() }})
		stuck := e.Assign(0, 0)
		if stuck.Feed(many(0, 1199)...) {
			t.Error("the only partition is full below the bound")
		}
		stuck.Drop()
		stuck, second, third := e.Assign(0, 0), e.Assign(1, 0), e.Assign(2, 0)
		if stuck.Feed(many(0, 899)...) {
			t.Error("one of three partitions is full while the others have nothing")
		}
		if !stuck.Feed(many(899, 1)...) {
			t.Error("one of three partitions takes what belongs to the others")
		}
		for _, p := range []*partition{second, third} {
			if p.Feed(many(0, 99)...) {
				t.Errorf("partition %d has no room of its own", p.ID)
			}
			if !p.Feed(many(99, 1)...) {
				t.Errorf("partition %d takes more than its own when there is no other room", p.ID)
			}
		}
	})
}

func TestRoomThatGrowsAnywhereIsForAll(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]config{"records": {Records: 1024}, "bytes": {Bytes: 1024 * entrySize}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { roomForAll(t, cfg) })
		})
	}
}

// entrySize makes 128 entries the least that a partition may have.
const entrySize = 8 << 10

func roomForAll(t *testing.T, cfg config) {
	t.Helper()
	free := map[int32]gate{0: make(chan struct{}), 1: make(chan struct{})}
	resumed := newLog()
	cfg.Concurrency = 2
	cfg.Run = func(it *item) { free[it.Partition().ID].run(it) }
	cfg.Resume = func(p *partition) { resumed.add(strconv.Itoa(int(p.ID))) }
	e := start(t, cfg)
	busy, waiting := e.Assign(0, 0), e.Assign(1, 0) // 128 are their own, 768 common
	busy.Feed(sized(400, entrySize)...)
	if !waiting.Feed(sized(368, entrySize)...) {
		t.Error("not full with 768 together")
	}
	free[0].open(96)
	if got := resumed.all(); len(got) > 0 {
		t.Errorf("partitions %q resumed before an eighth was free", got)
	}
	free[0].open(1)
	if diff := cmp.Diff([]string{"1"}, resumed.all()); diff != "" {
		t.Error(diff)
	}
}

// sized makes n entries of one key and of a size.
func sized(n, size int) []entry {
	es := many(0, n)
	for i := range es {
		es[i].Size = size
	}
	return es
}

// TestBoundsHoldInAll feeds and finishes at random and looks at what any moment may not be.
func TestBoundsHoldInAll(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { boundsHold(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func boundsHold(t *testing.T, r *rand.Rand) {
	t.Helper()
	const bound = 2000
	n := 1 + r.Int32N(5)
	open := map[int32][]*item{}
	full := map[int32]bool{}
	e := start(t, config{
		Records: bound, Unordered: true,
		Run:    func(it *item) { it.Release(); open[it.Partition().ID] = append(open[it.Partition().ID], it) },
		Resume: func(p *partition) { full[p.ID] = false },
	})
	ps := make([]*partition, n)
	for id := range n {
		ps[id] = e.Assign(id, 0)
	}
	next := make([]int64, n)
	for step := range 6000 {
		id := r.Int32N(n)
		switch {
		case r.IntN(10) < 8-3*(step/3000) && !full[id]:
			full[id] = ps[id].Feed(entry{Position: next[id], Size: 1})
			next[id]++
			synctest.Wait()
			if own := bound / (4 * int(n)); full[id] && len(open[id]) < own {
				t.Fatalf("one of %d partitions is full with %d", n, len(open[id]))
			}
		case len(open[id]) > 0:
			it := open[id][r.IntN(len(open[id]))]
			open[id] = slices.DeleteFunc(open[id], func(o *item) bool { return o == it })
			it.Done()
		}
		if all := e.Stats().Delivered; all > bound {
			t.Fatalf("%d of %d are delivered to %d partitions", all, bound, n)
		}
	}
	for _, items := range open {
		for _, it := range items {
			it.Done()
		}
	}
	for id, still := range full {
		if still {
			t.Errorf("partition %d was not resumed when all was done", id)
		}
	}
}

// many makes n entries of one key.
func many(first int64, n int) []entry {
	es := make([]entry, n)
	for i := range es {
		es[i] = entry{Position: first + int64(i), Key: []byte("k"), Size: 1}
	}
	return es
}

func TestRoomOfALostPartitionGoesToTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		resumed := make(chan int32, 1)
		e := start(t, config{
			Records: 1000, Run: func(it *item) { <-it.Context().Done() },
			Resume: func(p *partition) { resumed <- p.ID },
		})
		p, q := e.Assign(0, 0), e.Assign(1, 0)
		q.Feed(many(0, 510)...)
		if !p.Feed(many(0, 240)...) {
			t.Error("not full with 750 together")
		}
		q.Drop()
		if got := <-resumed; got != 0 {
			t.Errorf("partition %d resumed", got)
		}
	})
}

func TestEveryPartitionMayHaveALittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Run: func(it *item) { <-it.Context().Done() }})
		var p *partition
		for id := range int32(1000) {
			p = e.Assign(id, 0)
		}
		half, q := dispatch.DefaultRecords/2, e.Assign(1000, 0)
		if q.Feed(many(0, half-1)...) {
			t.Error("full with less than half of the bound in all")
		}
		if !q.Feed(many(int64(half)-1, 1)...) {
			t.Error("not full with half of the bound")
		}
		if p.Feed(many(0, 99)...) {
			t.Error("full below 100 records")
		}
		if !p.Feed(many(99, 1)...) {
			t.Error("not full at 100 records")
		}
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		then func(g gate, p *partition, cancel func())
		want error
	}{
		{"returns when there is room again", func(g gate, _ *partition, _ func()) { g.open(2) }, nil},
		{"ends with its context", func(_ gate, _ *partition, cancel func()) { cancel() }, context.Canceled},
		{"ends when the partition is lost", func(_ gate, p *partition, _ func()) { p.Drop() }, dispatch.ErrLost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := gate(make(chan struct{}))
				e := start(t, config{Records: 2, Run: g.run})
				p := e.Assign(0, 0)
				if err := p.Wait(t.Context()); err != nil {
					t.Errorf("wait below the bound: %v", err)
				}
				p.Feed(entries(0, "a1 a2")...)
				ctx, cancel := context.WithCancel(t.Context())
				got := make(chan error, 1)
				go func() { got <- p.Wait(ctx) }()
				synctest.Wait()
				select {
				case err := <-got:
					t.Fatalf("returned %v at the bound", err)
				default:
				}
				tt.then(g, p, cancel)
				if err := <-got; !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				cancel()
			})
		})
	}
}

func TestFeedOfAStoppedPartitionTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, config{Run: func(it *item) { pause(time.Second); it.Done() }})
		p := e.Assign(0, 0)
		p.Feed(entries(0, "a1")...)
		synctest.Wait()
		go p.Revoke(t.Context())
		synctest.Wait()
		if !p.Feed(entries(1, "b1")...) {
			t.Error("a stopped partition takes more")
		}
		pause(2 * time.Second)
		if diff := cmp.Diff(dispatch.Progress{Next: 1}, p.Progress()); diff != "" {
			t.Error(diff)
		}
	})
}

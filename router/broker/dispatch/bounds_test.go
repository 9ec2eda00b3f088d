package dispatch_test

import (
	"context"
	"errors"
	"fmt"
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

func TestAStuckPartitionLeavesTheOthersTheirRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate(make(chan struct{}))
		resumed := newLog()
		e := start(t, config{Records: 1000, Run: g.run, Resume: func(p *partition) { resumed.add(strconv.Itoa(int(p.ID))) }})
		stuck, other := e.Assign(0, 0), e.Assign(1, 0)
		if !stuck.Feed(many(0, 500)...) {
			t.Error("one of two partitions takes more than half of the room")
		}
		if other.Feed(many(0, 499)...) {
			t.Error("no room for the other partition")
		}
		other.Drop()
		if got := resumed.all(); len(got) > 0 {
			t.Errorf("partitions %q resumed at half of what they may have now", got)
		}
		g.open(1)
		if diff := cmp.Diff([]string{"0"}, resumed.all()); diff != "" {
			t.Error(diff)
		}
	})
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
		p, q, r := e.Assign(0, 0), e.Assign(1, 0), e.Assign(2, 0)
		p.Feed(many(0, 333)...)
		q.Drop()
		r.Drop()
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

package dispatch

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestALineUsesItsMemoryAgain(t *testing.T) {
	t.Parallel()
	var l line[int]
	for i := range int64(100_000) { // never empty, never more than 100
		l.push(slot[int]{position: i})
		if n := len(l.open()); n == 100 {
			l.drop(n - 1)
		}
	}
	if cap(l.all) > 512 {
		t.Errorf("100 slots at the most take the memory of %d", cap(l.all))
	}
}

func TestALineGivesMuchMemoryBackWhenItNeedsLittle(t *testing.T) {
	t.Parallel()
	var l line[int]
	for _, c := range []struct {
		slots int
		kept  bool
	}{{10 * idleSlots, true}, {10 * idleSlots, true}, {idleSlots, false}, {idleSlots / 10, true}} {
		for i := range c.slots {
			l.push(slot[int]{position: int64(i)})
		}
		l.drop(c.slots)
		if len(l.open()) > 0 || (cap(l.all) > 0) != c.kept {
			t.Errorf("after %d slots there is memory for %d", c.slots, cap(l.all))
		}
	}
}

func TestALineKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	var l line[int]
	var want []int64
	r := rand.New(rand.NewPCG(1, 2))
	for next := int64(0); next < 20_000; {
		for range r.IntN(50) {
			l.push(slot[int]{position: next, it: &Item[int]{Position: next}})
			want = append(want, next)
			next++
		}
		n := r.IntN(len(want) + 1)
		l.drop(n)
		want = want[n:]
		got := slices.Collect(func(yield func(int64) bool) {
			for _, s := range l.open() {
				if s.it.Position != s.position || !yield(s.position) {
					return
				}
			}
		})
		if !slices.Equal(got, want) {
			t.Fatalf("open are %v, want %v", got, want)
		}
	}
}

package redis

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWindowIsAMap compares a window with the map that it stands for.
func TestWindowIsAMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var w window
	want := map[int64]entryID{}
	for n := range uint64(2000) {
		if r.IntN(2) == 0 {
			want[w.add(entryID{ms: n + 1})] = entryID{ms: n + 1}
		}
		p := r.Int64N(w.first + int64(len(w.ids)) + 3)
		_, open := want[p]
		delete(want, p)
		if w.remove(p) != open {
			t.Fatalf("position %d: open is %v", p, open)
		}
	}
	if diff := cmp.Diff(want, maps.Collect(w.all), cmp.AllowUnexported(entryID{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for p := range w.all {
		w.remove(p)
	}
	if len(w.ids) != 0 {
		t.Errorf("%d ids are left in an empty window", len(w.ids))
	}
}

package dispatch

import (
	"fmt"
	"testing"
)

// TestLanesWithoutItemsAreForgotten has many more keys than lanes that may rest.
func TestLanesWithoutItemsAreForgotten(t *testing.T) {
	t.Parallel()
	held := map[int64]*Item[int]{}
	done := make(chan struct{})
	const keys = 10 * restingLanes
	e := New(Config[int]{Records: keys * 2, Run: func(it *Item[int]) {
		if it.Position%100 == 0 {
			held[it.Position] = it
		} else {
			it.Done()
		}
		if it.Position == keys {
			close(done)
		}
	}})
	defer e.Close()
	p := e.Assign(0, 1)
	for i := range int64(keys) {
		p.Feed(Entry[int]{Position: i + 1, Key: fmt.Append(nil, i)})
	}
	<-done
	for _, it := range held {
		it.Release()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range held {
		if p.lanes[it.l.key] != it.l {
			t.Errorf("the lane of %s was forgotten although it has an item", it.l.key)
		}
	}
	if n, most := len(p.lanes), restingLanes+len(held)+1; n > most {
		t.Errorf("%d lanes, want %d at the most", n, most)
	}
}

package redis

import "testing"

// TestWhatIsInHandIsNotTakenOver has a claim give a member what it handles: its idle time could not be set in time.
func TestWhatIsInHandIsNotTakenOver(t *testing.T) {
	t.Parallel()
	r := &reader{}
	r.open.add(parseID("5-1"))
	f := feeding{r: r, claimed: true}
	f.add(&entry{id: []byte("5-1"), fields: [][]byte{[]byte("a"), []byte("b")}})
	if len(f.fresh) > 0 || len(f.over) > 0 {
		t.Errorf("%d entries are handled again, %d are finished", len(f.fresh), len(f.over))
	}
}

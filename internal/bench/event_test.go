package bench

import (
	"testing"

	"github.com/go-json-experiment/json"
)

func TestEventsHaveTheSizeAndNoTwoAreAlike(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 1024} {
		bodies, keys := map[string]bool{}, map[string]bool{}
		s := newStream(size, 10)
		for id, e := range append(s.take(100), s.take(100)...) {
			data, err := json.Marshal(e)
			if err != nil || len(data) < size || len(data) > size+2 {
				t.Fatalf("%d bytes instead of %d: %v", len(data), size, err)
			}
			if e.ID != int64(id) {
				t.Errorf("id %d instead of %d", e.ID, id)
			}
			bodies[e.Body], keys[e.Key] = true, true
		}
		if len(bodies) < 190 || len(keys) != 10 {
			t.Errorf("%d bodies and %d keys of 200 events", len(bodies), len(keys))
		}
	}
}

package bench

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeysAreHandledAtOnceAndEachInItsOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys, each, atOnce = 10, 3, 5
		start, mu, handled := time.Now(), sync.Mutex{}, map[int64][]int64{}
		err := byKey(newStream(100, keys).take(keys*each), atOnce, func(e Event) string { return e.Key }, func(line []Event) error {
			<-time.After(time.Duration(len(line)) * time.Second) // virtual
			mu.Lock()
			defer mu.Unlock()
			for _, e := range line {
				handled[e.ID%keys] = append(handled[e.ID%keys], e.ID)
			}
			return nil
		})
		if took := time.Since(start); err != nil || took != keys/atOnce*each*time.Second {
			t.Errorf("byKey() took %v: %v", took, err)
		}
		for key, line := range handled {
			if !slices.Equal(line, []int64{key, key + keys, key + 2*keys}) {
				t.Errorf("key %d: %v", key, line)
			}
		}
		if len(handled) != keys {
			t.Errorf("%d keys were handled, want %d", len(handled), keys)
		}
	})
}

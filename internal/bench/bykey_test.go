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
		start, mu, handled := time.Now(), sync.Mutex{}, map[int][]int{}
		err := byKey(numbers(keys*each), atOnce, func(n int) string { return string(rune('a' + n%keys)) }, func(line []int) error {
			<-time.After(time.Duration(len(line)) * time.Second) // virtual
			mu.Lock()
			defer mu.Unlock()
			handled[line[0]%keys] = line
			return nil
		})
		if took := time.Since(start); err != nil || took != keys/atOnce*each*time.Second {
			t.Errorf("byKey() took %v: %v", took, err)
		}
		for key, line := range handled {
			if !slices.Equal(line, []int{key, key + keys, key + 2*keys}) {
				t.Errorf("key %d: %v", key, line)
			}
		}
		if len(handled) != keys {
			t.Errorf("%d keys were handled, want %d", len(handled), keys)
		}
	})
}

func numbers(n int) []int {
	ns := make([]int, n)
	for i := range ns {
		ns[i] = i
	}
	return ns
}

package memory

import (
	"testing"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestWhatAGroupNeedsIsKept has groups at different positions in a log that is long enough to be trimmed.
func TestWhatAGroupNeedsIsKept(t *testing.T) {
	t.Parallel()
	const all = 3 * keep
	at := place{"t", 0}
	for name, test := range map[string]struct {
		slow      int64
		broadcast bool
		base      int64
	}{
		"all have finished":            {all, false, all - keep},
		"one is behind":                {keep / 2, false, 0},
		"one is a little behind":       {all - keep/2, false, all - keep/2 - keep},
		"broadcasts keep no positions": {0, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New()
			for range all {
				if _, err := b.append(&broker.Record{Topic: "t"}); err != nil {
					t.Fatal(err)
				}
			}
			if !test.broadcast {
				b.group(broker.Group{Name: "slow"}).store(at, dispatch.Progress{Next: test.slow})
			}
			b.group(broker.Group{Name: "fast", Broadcast: test.broadcast}).finished(at, all)
			if p := b.topics["t"].parts[0]; p.base != test.base || p.end() != all {
				t.Errorf("keeps %d to %d, want %d to %d", p.base, p.end(), test.base, all)
			}
		})
	}
}

package bench

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
)

// meter counts handled messages and keeps the time from the first to the last. Its methods
// may be called concurrently.
type meter struct {
	n      int64
	seen   atomic.Int64
	first  atomic.Int64 // Unix nanoseconds
	marks  []atomic.Uint64
	full   chan struct{}
	filled atomic.Bool
}

// newMeter expects n messages. With marks each id below n must come.
func newMeter(n int, marks bool) *meter {
	m := &meter{n: int64(n), full: make(chan struct{})}
	if marks {
		m.marks = make([]atomic.Uint64, (n+63)/64)
	}
	return m
}

// begin notes the first message; it is called before it is handled.
func (m *meter) begin() {
	if m.first.Load() == 0 {
		m.first.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// hit counts one message.
func (m *meter) hit(id int64) {
	m.begin()
	m.mark(id)
	if m.seen.Add(1) >= m.n && !m.filled.Swap(true) {
		close(m.full)
	}
}

// mark sets one bit. Messages that are handled at the same time have neighbouring ids, whose
// bits are far apart, so that workers do not wait for each other's memory.
func (m *meter) mark(id int64) {
	if words := int64(len(m.marks)); words > 0 && id >= 0 && id < m.n {
		m.marks[id%words].Or(1 << (id / words))
	}
}

// since returns the time from the first message to end.
func (m *meter) since(end time.Time) time.Duration {
	return end.Sub(time.Unix(0, m.first.Load()))
}

// complete returns an error when a message that should have come did not.
func (m *meter) complete() error {
	if m.marks == nil {
		return nil
	}
	got := int64(0)
	for i := range m.marks {
		got += int64(bits.OnesCount64(m.marks[i].Load()))
	}
	if got < m.n {
		return fmt.Errorf("%d of %d messages were not handled (others came twice)", m.n-got, m.n)
	}
	return nil
}

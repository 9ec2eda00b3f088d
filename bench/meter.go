package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// meter counts handled messages and keeps the time from the first to the last. Its methods
// may be called concurrently.
type meter struct {
	n      int64
	seen   atomic.Int64
	first  atomic.Int64 // Unix nanoseconds
	marks  []atomic.Bool
	full   chan struct{}
	filled atomic.Bool
}

// newMeter expects n messages. With marks each id below n must come.
func newMeter(n int, marks bool) *meter {
	m := &meter{n: int64(n), full: make(chan struct{})}
	if marks {
		m.marks = make([]atomic.Bool, n)
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
	if m.marks != nil && id >= 0 && id < m.n {
		m.marks[id].Store(true)
	}
	if m.seen.Add(1) >= m.n && !m.filled.Swap(true) {
		close(m.full)
	}
}

// since returns the time from the first message to end.
func (m *meter) since(end time.Time) time.Duration {
	return end.Sub(time.Unix(0, m.first.Load()))
}

// complete returns an error when a message that should have come did not.
func (m *meter) complete() error {
	missing := 0
	for i := range m.marks {
		if !m.marks[i].Load() {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d messages were not handled (others came twice)", missing, m.n)
	}
	return nil
}

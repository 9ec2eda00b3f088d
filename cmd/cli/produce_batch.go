package cli

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// mostReported is how many failures are printed one by one.
const mostReported = 10

// batch counts what became of the messages of one `produce`.
type batch struct {
	s      *session
	topic  string
	broken chan struct{} // closed when broker or registry cannot be reached
	moved  chan struct{} // holds one when something changed

	mu      sync.Mutex
	open    int // handed over and not done
	written int
	failed  int
	first   error
	cut     bool // broken is closed
	told    time.Time
}

func newBatch(s *session, topic string) *batch {
	return &batch{s: s, topic: topic, broken: make(chan struct{}), moved: make(chan struct{}, 1), told: time.Now()}
}

func (b *batch) sent() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
}

// done notes the end of the message on line n. It does not block.
func (b *batch) done(n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if err == nil {
		b.written++
		b.progress()
	} else {
		b.fail(fmt.Errorf("line %d: %w", n, err))
	}
	select {
	case b.moved <- struct{}{}:
	default:
	}
}

// progress is for people who wait.
func (b *batch) progress() {
	if isTerminal(b.s.err) && time.Since(b.told) >= time.Second {
		b.told = time.Now()
		b.s.say("%d written", b.written)
	}
}

func (b *batch) fail(err error) {
	if b.failed++; b.failed == 1 {
		b.first = err
	}
	switch {
	case b.failed <= mostReported:
		b.s.say("%v", err)
	case b.failed == mostReported+1:
		b.s.say("further failures are only counted")
	}
	if isUnreachable(err) && !b.cut {
		b.cut = true
		close(b.broken)
	}
}

// finish waits until all is done, at most so long, and says how it went.
func (b *batch) finish(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for b.pending() > 0 && ctx.Err() == nil {
		select {
		case <-b.moved:
		case <-ctx.Done():
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.s.say("%s written to %s", count(b.written, "message"), b.topic)
	if b.open > 0 {
		return fmt.Errorf("%s without an answer after %v: they may have been written", count(b.open, "message"), patience)
	}
	if b.failed > 0 {
		return fmt.Errorf("%s not written, the first: %w", count(b.failed, "message"), b.first)
	}
	return nil
}

func (b *batch) pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

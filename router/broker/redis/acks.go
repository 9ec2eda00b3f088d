package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAcks is how many ids one script acknowledges.
	maxAcks = 1000
	// ackPause is how long what finishes after an acknowledgement waits for company: one
	// script for a hundred ids takes the server as long as three for ten.
	ackPause = 10 * time.Millisecond
)

// acks collects what is to be acknowledged and noted. One script is in flight at a time, so
// that what finishes meanwhile, and a little later, goes together with the next.
type acks struct {
	flushing sync.Mutex
	signal   chan struct{}
	noted    atomic.Bool // the state may hold attempts

	mu    sync.Mutex
	ids   []string
	notes map[string]string // attempt, due, first failed by id
}

func (a *acks) init() {
	a.signal = make(chan struct{}, 1)
	a.notes = map[string]string{}
}

func (a *acks) add(ids ...string) {
	a.mu.Lock()
	a.ids = append(a.ids, ids...)
	for _, id := range ids {
		delete(a.notes, id)
	}
	a.mu.Unlock()
	notify(a.signal)
}

func (a *acks) note(id string, attempt int, due, firstFailed time.Time) {
	a.mu.Lock()
	a.notes[id] = attempts{attempt, due, firstFailed}.String()
	a.mu.Unlock()
	a.noted.Store(true)
	notify(a.signal)
}

func (a *acks) run(ctx context.Context, o *owner) {
	for {
		select {
		case <-a.signal:
		case <-ctx.Done():
			return
		}
		a.persist(ctx, o)
		if pause(ctx, ackPause) != nil {
			return
		}
	}
}

// persist flushes until nothing is left, the lease is lost or ctx ends.
func (a *acks) persist(ctx context.Context, o *owner) {
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := a.flush(ctx, o)
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case errors.Is(err, errLost) || errors.Is(err, errExpired):
			go o.lose(err) // which waits for nothing of ours
			return
		}
		o.in.m.failIf(ctx, denied(err), o.keys.stream, err)
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// drain is the last flush: it repeats until ctx ends.
func (a *acks) drain(ctx context.Context, o *owner) error {
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := a.flush(ctx, o)
		if err == nil || errors.Is(err, errLost) || errors.Is(err, errExpired) {
			return err
		}
		if pause(ctx, wait) != nil {
			return fmt.Errorf("acknowledge what is finished: %w", err)
		}
	}
}

// flush sends everything collected.
func (a *acks) flush(ctx context.Context, o *owner) error {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	for {
		ids, notes := a.take()
		if len(ids) == 0 && len(notes) == 0 {
			return nil
		}
		err := o.acknowledge(ctx, ids, notes)
		if errors.Is(err, errVanished) {
			err = o.retake(ctx)
		}
		if err != nil {
			a.putBack(ids, notes)
			return err
		}
	}
}

func (a *acks) take() (ids []string, notes map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := min(len(a.ids), maxAcks)
	ids, a.ids = a.ids[:n:n], a.ids[n:]
	notes = map[string]string{}
	for id, text := range a.notes {
		if len(notes) == maxAcks {
			break
		}
		notes[id] = text
		delete(a.notes, id)
	}
	return ids, notes
}

func (a *acks) putBack(ids []string, notes map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(ids, a.ids...)
	for id, text := range notes {
		if _, newer := a.notes[id]; !newer {
			a.notes[id] = text
		}
	}
}

func (o *owner) acknowledge(ctx context.Context, ids []string, notes map[string]string) error {
	if len(notes) == 0 {
		if done, err := o.acknowledgeMany(ctx, ids); done || err != nil {
			return err
		}
	}
	args := make([]any, 0, 3+2*len(notes)+len(ids))
	args = append(args, o.token, o.in.m.group.Name, len(notes))
	for id, text := range notes {
		args = append(args, id, text)
	}
	for _, id := range ids {
		args = append(args, id)
	}
	return fenced(ackScript.Run(ctx, o.client(), []string{o.keys.lease, o.keys.stream, o.keys.state}, args...).Result())
}

// attempts is what the state of a group keeps of an entry that failed.
type attempts struct {
	attempt          int
	due, firstFailed time.Time
}

// String is the attempt, and due time and first failure in milliseconds.
func (a attempts) String() string {
	return fmt.Sprintf("%d %d %d", a.attempt, millis(a.due), millis(a.firstFailed))
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// parseAttempts reads what String wrote; anything else is a first attempt.
func parseAttempts(s string) attempts {
	f := strings.Fields(s)
	if len(f) != 3 {
		return attempts{}
	}
	n, err := strconv.Atoi(f[0])
	if err != nil || n < 1 {
		return attempts{}
	}
	return attempts{n, fromMillis(f[1]), fromMillis(f[2])}
}

package avro

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	believeAfter = 30 * time.Second // how long a schema has to be missing before it is given up
	askAgain     = 2 * time.Second  // how often a missing schema is asked for before that
	maxAbsent    = 1 << 14          // more than there are messages in flight
)

// absences remembers schemas that no registry has. A replica may lag behind, so a schema is
// given up only when it was missing for 30 seconds; that is then believed for 30 seconds.
type absences struct {
	mu   sync.Mutex
	seen map[schemaKey]absence
}

type absence struct {
	first, asked time.Time
	err          error
}

func (a absence) settled() bool { return a.asked.Sub(a.first) >= believeAfter }

// verdict is the error for a key that is missing, unavailable until it is settled.
func (a absence) verdict() error {
	if a.settled() {
		return fmt.Errorf("no schema registry has it: %w", a.err)
	}
	return unavailable(fmt.Errorf("no schema registry has it yet, given up after %s: %w", believeAfter, a.err))
}

// recall returns what is known of key without asking again, nil for nothing.
func (a *absences) recall(key schemaKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.seen[key]
	wait := askAgain
	if known.settled() {
		wait = believeAfter
	}
	if !ok || time.Since(known.asked) >= wait {
		return nil
	}
	return known.verdict()
}

// note keeps that every registry said key is missing, and returns the verdict.
func (a *absences) note(key schemaKey, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.seen[key]
	if !ok {
		known.first = time.Now()
		a.makeRoom()
	}
	known.asked, known.err = time.Now(), err
	if answer, ok := errors.AsType[*answerError](err); ok {
		known.err = answer // without what else was made of it
	}
	a.seen[key] = known
	return known.verdict()
}

func (a *absences) makeRoom() {
	if a.seen == nil {
		a.seen = map[schemaKey]absence{}
	}
	if len(a.seen) < maxAbsent {
		return
	}
	for key := range a.seen {
		delete(a.seen, key)
		return
	}
}

func (a *absences) forget(key schemaKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.seen, key)
}

// Package outcome is what the error of a handler means: whether the message is tried again,
// when, and what kind of failure it was. Router and middleware decide here and nowhere else.
package outcome

import (
	"errors"
	"fmt"
	"time"
)

// Skip tells that an input is handled and has no result.
var Skip = errors.New("skip") //nolint:errname,staticcheck // a signal like io.EOF, not a failure

// ErrInvalid is what values are that fail their own validation.
var ErrInvalid = errors.New("invalid value")

// Kind classifies a failure in the header leat-error-kind of a dead letter.
type Kind string

// The kinds of failures.
const (
	Handler   Kind = "handler"
	Permanent Kind = "permanent"
	Decode    Kind = "decode"
	Invalid   Kind = "invalid"
	Panic     Kind = "panic"
	Timeout   Kind = "timeout"
	Oversized Kind = "oversized"
)

// PermanentError says that trying again is useless.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// RetryAfterError chooses the next wait, once.
type RetryAfterError struct {
	Err  error
	Wait time.Duration
}

func (e *RetryAfterError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RetryAfterError) Unwrap() error { return e.Err }

// KindError marks a failure that leat found itself, such as bytes that cannot be decoded.
type KindError struct {
	Kind Kind
	Err  error
}

func (e *KindError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *KindError) Unwrap() error { return e.Err }

// Is finds ErrInvalid.
func (e *KindError) Is(target error) bool { return e.Kind == Invalid && target == ErrInvalid }

// PanicError is a recovered panic.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Policy says how often a failure is tried again and after what wait.
type Policy struct {
	Retries int
	// Wait returns the wait before retry k = 1, 2, …
	Wait func(retry int) time.Duration
}

// Decision is what to do with a failed message.
type Decision struct {
	Dead bool // no further attempt
	Kind Kind
	Wait time.Duration // before the next attempt
}

// Decide judges the error of an attempt, counted from 1.
func (p Policy) Decide(err error, attempt int) Decision {
	d := Decision{Kind: KindOf(err)}
	switch d.Kind {
	case Permanent, Decode, Invalid:
		d.Dead = true
	default:
		d.Dead = attempt > p.Retries
	}
	if d.Dead {
		return d
	}
	if after, ok := errors.AsType[*RetryAfterError](err); ok {
		d.Wait = max(after.Wait, 0)
	} else {
		d.Wait = p.Wait(attempt)
	}
	return d
}

// KindOf classifies an error.
func KindOf(err error) Kind {
	if k, ok := errors.AsType[*KindError](err); ok {
		return k.Kind
	}
	if _, ok := errors.AsType[*PermanentError](err); ok {
		return Permanent
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		return Panic
	}
	return Handler
}

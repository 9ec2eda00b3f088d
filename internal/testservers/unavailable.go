package testservers

import "errors"

// ErrUnavailable is the kind of error with which a real server cannot be started on this machine, because a
// program is missing or cannot be fetched. A server that was started and failed is no such error.
var ErrUnavailable = errors.New("no such server on this machine")

// unavailable keeps the words of its error and makes it an ErrUnavailable.
type unavailable struct{ error }

func (u unavailable) Is(target error) bool { return target == ErrUnavailable }
func (u unavailable) Unwrap() error        { return u.error }

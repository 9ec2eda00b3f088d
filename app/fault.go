package app

import (
	"errors"
	"strings"

	"go.uber.org/dig"
)

// FaultError lists what is wrong with the wiring of a service. Nothing was built or connected.
type FaultError struct{ Faults []error }

// Error prints a line per fault.
func (e *FaultError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (e *FaultError) Unwrap() []error { return e.Faults }

// faults makes one error of many, nil of none.
func faults(errs ...error) error {
	var all []error
	for _, err := range errs {
		all = append(all, parts(err)...)
	}
	if len(all) == 0 {
		return nil
	}
	return &FaultError{all}
}

// parts takes joined errors apart.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

// ErrInterrupted is returned by Run when a second signal cut the stop short.
var ErrInterrupted = errors.New("interrupted twice: stopped without waiting")

// cause leaves out how fx came to an error.
func cause(err error) error {
	if _, ok := errors.AsType[dig.Error](err); !ok {
		return err
	}
	return dig.RootCause(err)
}

package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Exit codes, which scripts rely on.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFaulty      = 3
	exitUnreachable = 4
	exitDrift       = 5
	exitInterrupted = 130
)

// exitError ends the command with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// faulty marks a fault of settings or wiring; what has a code keeps it.
func faulty(err error) error {
	if err == nil || isUnreachable(err) || errors.As(err, new(*exitError)) {
		return err
	}
	return &exitError{exitFaulty, err}
}

func isUnreachable(err error) bool {
	return errors.Is(err, broker.ErrUnreachable) || errors.Is(err, codec.ErrUnavailable)
}

// codeOf is the exit code for what a command returned. A command that was interrupted once
// and stopped in order is done.
func codeOf(ctx context.Context, err error) int {
	coded, ok := errors.AsType[*exitError](err)
	_, settingsFaults := errors.AsType[*settings.Faults](err)
	_, wiringFaults := errors.AsType[*app.FaultError](err)
	switch {
	case err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitDone
	case ok:
		return coded.code
	case errors.Is(err, app.ErrInterrupted):
		return exitInterrupted
	case settingsFaults || wiringFaults:
		return exitFaulty
	case isUnreachable(err):
		return exitUnreachable
	}
	return exitFailed
}

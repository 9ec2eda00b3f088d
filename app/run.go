package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Run starts the service and keeps it running until ctx ends, SIGINT or SIGTERM arrives or
// the service fails; then it stops in order. It returns nil after a stop in order that was
// asked for, else what went wrong: *settings.Faults and *FaultError before anything was
// connected, an error that wraps broker.ErrUnreachable when no server answered,
// [ErrInterrupted] when a second signal ended it at once.
func (a *App) Run(ctx context.Context) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	return a.runUntil(ctx, signals)
}

func (a *App) runUntil(ctx context.Context, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.runUntilDone(ctx) }()
	select {
	case err := <-done:
		return err
	case <-signals:
		cancel()
	}
	return untilSecond(done, signals)
}

// echo is how long a repeated signal is taken for the same wish: a terminal signals a whole
// process group, and a wrapper such as timeout or make passes its own on.
const echo = 500 * time.Millisecond

func untilSecond(done <-chan error, signals <-chan os.Signal) error {
	for first := time.Now(); ; {
		select {
		case err := <-done:
			return err
		case <-signals:
			if time.Since(first) >= echo {
				return ErrInterrupted
			}
		}
	}
}

func (a *App) runUntilDone(ctx context.Context) error {
	if err := a.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was asked to stop before it had started
		}
		return err
	}
	waited := a.Wait(ctx)
	if err := a.Stop(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return waited
}

// exitError is the wish of an fx.Shutdowner to end with another code than 0.
func exitError(code int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("the service shut itself down with exit code %d", code)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// endWithin is how long the command may take to end by itself after an interrupt.
const endWithin = 20 * time.Second

// command runs argv to its end and returns its exit code. When ctx ends, the command and all that it has
// started are interrupted, and killed when they do not end.
func command(ctx context.Context, argv, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // running what it is given is its purpose
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel, cmd.WaitDelay = func() error { return interrupt(cmd) }, endWithin
	isolate(cmd)
	err := cmd.Run()
	killRest(cmd)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	default:
		return 1, fmt.Errorf("run %s: %w", argv[0], err)
	}
}

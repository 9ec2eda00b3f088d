package delegate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

const (
	exitFailed      = 1
	exitInterrupted = 130
)

// Run does what `go run service args…` does and returns the exit code of the service. The
// program is built in a temporary folder first, because go run hides the exit code and passes
// no SIGTERM on.
func Run(ctx context.Context, service string, args []string) int {
	fmt.Fprintln(os.Stderr, "leat: go run "+strings.Join(append([]string{service}, args...), " "))
	dir, err := os.MkdirTemp("", "leat-run-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program, err := build(ctx, dir, service)
	if err != nil {
		return failed(err)
	}
	return execute(ctx, program, args)
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "leat:", err)
	return exitFailed
}

// build gives the program the name of its folder, which its messages show.
func build(ctx context.Context, dir, service string) (string, error) {
	folder, err := filepath.Abs(service)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, filepath.Base(folder))
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	c := exec.CommandContext(ctx, "go", "build", "-o", program, service) //nolint:gosec // a folder of the user's module
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("go build %s: %w", service, err)
	}
	return program, nil
}

// execute runs the program with the terminal of leat. An interrupt of the terminal reaches
// both; leat waits for the service to stop and passes on what was sent to leat alone.
func execute(ctx context.Context, program string, args []string) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	c := exec.CommandContext(ctx, program, args...) //nolint:gosec // built a moment ago
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	together := interactive()
	if !together {
		apart(c)
	}
	if err := c.Start(); err != nil {
		return failed(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		select {
		case sig := <-signals:
			if sig != os.Interrupt || !together {
				_ = c.Process.Signal(sig)
			}
		case err := <-ended:
			return codeOf(err)
		}
	}
}

// interactive tells whether somebody sits at a terminal, which sends interrupts to both.
func interactive() bool {
	return slices.ContainsFunc([]*os.File{os.Stdin, os.Stdout, os.Stderr}, func(f *os.File) bool {
		info, err := f.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice != 0 && !isNull(info)
	})
}

// isNull tells the null device, a character device too, from a terminal.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

func codeOf(err error) int {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0
	case !ok:
		return failed(err)
	case exit.ExitCode() < 0: // a signal ended it
		return exitInterrupted
	}
	return exit.ExitCode()
}

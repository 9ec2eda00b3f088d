package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// endWithin is how long the tests may take to end by themselves after an interrupt.
const endWithin = 20 * time.Second

// Main runs all suites and writes their [Report] to the file in args. It returns the exit code: 1 on any fault,
// with the file as it was, and 2 on wrong arguments.
func Main(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: conformance FILE")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := write(args[0], func() ([]Run, error) { return onServers(ctx, stderr) }); err != nil {
		fmt.Fprintln(stderr, "conformance:", err)
		return 1
	}
	return 0
}

// write runs the suites and writes what they said, or nothing when there was a fault.
func write(file string, run func() ([]Run, error)) error {
	began := time.Now()
	runs, err := run()
	if err != nil {
		return err
	}
	took := fmt.Sprintf("%v on %d cores", time.Since(began).Round(10*time.Second), runtime.NumCPU())
	return Report{began.UTC().Format(time.DateOnly), took, runs}.Save(file)
}

// onServers runs all suites on servers started for it.
func onServers(ctx context.Context, talk io.Writer) (runs []Run, err error) {
	s, err := startServers(ctx)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	rs, err := goTest(ctx, s.environment(), talk)
	if err != nil {
		return nil, errors.Join(rs.fault(), err)
	}
	return rs.runs(suites, names)
}

// goTest runs the tests of all suites. That one fails is an error.
func goTest(ctx context.Context, env []string, talk io.Writer) (rs results, err error) {
	argv := command()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // arguments of our own
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), talk
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, endWithin
	out, err := cmd.StdoutPipe()
	if err != nil {
		return rs, err
	}
	if err := cmd.Start(); err != nil {
		return rs, err
	}
	rs, err = read(out, talk)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return rs, fmt.Errorf("go test: %w", err)
	}
	return rs, nil
}

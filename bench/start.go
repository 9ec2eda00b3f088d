package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/leat-go/leat/internal/bench"
)

// inMemory is the server of the start workload: the memory broker of the process that starts.
type inMemory struct{}

func startMemory(context.Context, string) (server, error) {
	return server{inMemory{}, "memory broker", func() error { return nil }}, nil
}

func (inMemory) Name() string                                   { return "memory" }
func (inMemory) Create(context.Context, string, int) error      { return nil }
func (inMemory) Size(context.Context, string, int) (int, error) { return 0, nil }
func (inMemory) Forget(context.Context, string, int, ...string) {}
func (inMemory) Drop(context.Context, int, ...string)           {}
func (inMemory) Sweep(context.Context, string) error            { return nil }
func (inMemory) Drivers() map[string]bench.Driver               { return nil }
func (inMemory) Close() error                                   { return nil }

// starts is how often a run starts the process.
const starts = 5

// service is the program that is started, built when the first run asks for it.
const service = "bin/ready"

var built = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-mod=mod", "-o", service, "./ready").CombinedOutput() //nolint:noctx // for all runs
	if err != nil {
		return fmt.Errorf("go build ./ready, in the folder of the benchmark: %w\n%s", err, out)
	}
	return nil
})

// starting is the workload that starts a service, from the call that makes the process to
// when all of its handlers are ready.
func starting() bench.Workload {
	return bench.Workload{
		Name: "start", Metrics: []bench.Metric{{Unit: "ms", Lower: true}}, Payloads: []int{100}, Subjects: []string{bench.SubjectLeat}, Run: startService,
	}
}

func startService(ctx context.Context, t *bench.Task) ([]float64, error) {
	if err := built(); err != nil {
		return nil, err
	}
	t.Messages, t.Used = starts, &bench.Usage{}
	var took time.Duration
	for range starts {
		d, err := startOnce(ctx, t.Used)
		if err != nil {
			return nil, err
		}
		took += d
	}
	return []float64{float64(took.Microseconds()) / 1000 / starts}, nil
}

// startOnce runs the service until it says that it is ready.
func startOnce(ctx context.Context, used *bench.Usage) (time.Duration, error) {
	var log bytes.Buffer
	c := exec.CommandContext(ctx, service)
	c.Stderr = &log
	stdin, inErr := c.StdinPipe()
	stdout, outErr := c.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	took := time.Since(start)
	if err := errors.Join(readErr, stdin.Close(), c.Wait()); err != nil {
		return 0, fmt.Errorf("start of a service (%q): %w\n%s", line, err, log.String())
	}
	used.CPU += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if ru, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		used.PeakRSS = max(used.PeakRSS, ru.Maxrss<<10)
	}
	return took, nil
}

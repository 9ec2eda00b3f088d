package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"

	"github.com/leat-go/leat/internal/bench"
)

// profiling writes the CPU profile of each run of leat into a folder, and its allocations
// before and after (see go tool pprof -diff_base). The last round's files stay.
func profiling(dir string) func(w bench.Workload, broker, subject string, payload, round int) (func(error) error, error) {
	return func(w bench.Workload, broker, subject string, payload, round int) (func(error) error, error) {
		if subject != bench.SubjectLeat || round == 0 {
			return func(err error) error { return err }, nil
		}
		return profile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d", w.Name, broker, payload)))
	}
}

func profile(name string) (after func(error) error, err error) {
	cpu, err := os.Create(name + ".cpu.pprof") //nolint:gosec // where the user wants it
	if err != nil {
		return nil, err
	}
	if err := errors.Join(allocations(name+".before.pprof"), pprof.StartCPUProfile(cpu)); err != nil {
		return nil, err
	}
	return func(err error) error {
		pprof.StopCPUProfile()
		return errors.Join(err, cpu.Close(), allocations(name+".allocs.pprof"))
	}, nil
}

func allocations(path string) error {
	f, err := os.Create(path) //nolint:gosec // where the user wants it
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profile writes the CPU profile of a run of leat, and its allocations before and after (see
// go tool pprof -diff_base). The last round's files stay.
func (p plan) profile(w workload, b *bed, subject string, round int) (stop func(error) error, err error) {
	if p.profiles == "" || subject != "leat" || round == 0 {
		return func(err error) error { return err }, nil
	}
	name := filepath.Join(p.profiles, fmt.Sprintf("%s-%s-%d", w.name, b.s.name(), b.payload))
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

package testservers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Main runs the tests of a package and then stops the shared servers that they started. It returns the exit
// code for TestMain. When real servers were looked for and not found, it says so in the last line.
func Main(m *testing.M) int {
	mainRuns.Store(true)
	code := m.Run()
	if err := stand.close(); err != nil {
		fmt.Fprintln(os.Stderr, "testservers:", err)
		code = max(code, 1)
	}
	if missing := stand.missing(); missing != "" {
		fmt.Fprintln(os.Stdout, "not tested against: "+missing)
	}
	return code
}

// Tests runs a package's tests by way of [Main]. It is what goleak.VerifyTestMain takes.
type Tests struct{ M *testing.M }

// Run returns the exit code of [Main].
func (t Tests) Run() int { return Main(t.M) }

var mainRuns atomic.Bool

// stand holds what this process has started for its tests.
var stand running

type running struct {
	mu      sync.Mutex
	closers []io.Closer
	absent  map[string]bool
}

func (r *running) add(c io.Closer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, c)
}

func (r *running) note(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.absent == nil {
		r.absent = map[string]bool{}
	}
	r.absent[kind] = true
}

func (r *running) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (r *running) missing() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kinds []string
	for _, k := range []string{"kafka", "redis", "registry"} {
		if r.absent[k] {
			kinds = append(kinds, k)
		}
	}
	return strings.Join(kinds, ", ")
}

package brokertest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// recorder stands in for the testing.T of a case and keeps its failures to itself.
type recorder struct {
	scope

	saying sync.Mutex
	faults []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.saying.Lock()
	defer r.saying.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Failed() bool                      { return len(r.said()) > 0 }
func (r *recorder) Logf(string, ...any)               {}

func (r *recorder) said() []string {
	r.saying.Lock()
	defer r.saying.Unlock()
	return r.faults
}

func (r *recorder) Context() context.Context { return context.WithoutCancel(r.TB.Context()) }

// failures runs a case and returns what it says against a backend.
func failures(t testing.TB, name string, patience time.Duration, open func(testing.TB) broker.Broker) []string {
	t.Helper()
	s := newSuite(open, []Option{Patience(patience), Crash(crashWrapped), Away(breakWay)})
	r := &recorder{scope: scope{TB: t}}
	ended := make(chan struct{})
	go func() { // a fatal failure ends the goroutine
		defer close(ended)
		defer r.end()
		find(t, name).run(newBench(r, s))
	}()
	<-ended
	return r.said()
}

func find(t testing.TB, name string) testCase {
	t.Helper()
	for _, c := range cases {
		if c.name == name {
			return c
		}
	}
	t.Errorf("there is no case %q", name)
	return testCase{run: func(*bench) {}}
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/leat-go/leat/internal/testservers"
)

// environment is the servers around one run of a command.
type environment struct {
	services  []service
	out, talk io.Writer

	servers []server // by service; the zero one is missing
	faults  []error
}

// run returns the exit code: that of the command, or 1 when it could not run or something was left behind.
func (e *environment) run(ctx context.Context, argv []string) (code int) {
	e.find(ctx)
	defer func() { code = max(code, e.stop()); e.conclude() }()
	if ctx.Err() != nil || e.lacksRequired() {
		return 1
	}
	code, err := command(ctx, argv, append(os.Environ(), e.variables()...))
	if err != nil {
		e.say("%v", err)
		return 1
	}
	return code
}

// find starts all services at once.
func (e *environment) find(ctx context.Context) {
	e.servers, e.faults = make([]server, len(e.services)), make([]error, len(e.services))
	var wg sync.WaitGroup
	for i, s := range e.services {
		wg.Go(func() { e.servers[i], e.faults[i] = s.find(ctx) })
	}
	wg.Wait()
	for i, s := range e.services {
		if err := e.faults[i]; err != nil {
			e.say("no real %s: %v", s.kind, err)
		} else {
			e.say("%s at %s", e.servers[i].version, e.servers[i].address)
		}
	}
}

func (e *environment) lacksRequired() bool {
	missing := e.missing()
	if !testservers.RequireReal() || len(missing) == 0 {
		return false
	}
	e.say("LEAT_REQUIRE_REAL=1 and no real %s (reasons above)", strings.Join(missing, ", "))
	return true
}

func (e *environment) missing() []string {
	var kinds []string
	for i, s := range e.services {
		if e.faults[i] != nil {
			kinds = append(kinds, s.kind)
		}
	}
	return kinds
}

func (e *environment) variables() []string {
	vars := make([]string, len(e.services))
	for i, s := range e.services {
		value := testservers.Embedded
		if e.faults[i] == nil {
			value = e.servers[i].address
		}
		vars[i] = s.env + "=" + value
	}
	return vars
}

// stop returns 1 when a server could not be stopped.
func (e *environment) stop() (code int) {
	for i, s := range e.servers {
		if s.closer == nil {
			continue
		}
		if err := s.closer.Close(); err != nil {
			e.say("stop %s: %v", e.services[i].kind, err)
			code = 1
		}
	}
	return code
}

// conclude prints the last line.
func (e *environment) conclude() {
	if missing := e.missing(); len(missing) > 0 {
		fmt.Fprintf(e.out, "not tested against: %s\n", strings.Join(missing, ", "))
		return
	}
	versions := make([]string, len(e.servers))
	for i, s := range e.servers {
		versions[i] = s.version
	}
	fmt.Fprintf(e.out, "tested against: %s\n", strings.Join(versions, ", "))
}

func (e *environment) say(format string, args ...any) {
	fmt.Fprintf(e.talk, "testenv: "+format+"\n", args...)
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leat-go/leat/internal/testservers"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"leat": main})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "module": module},
		Setup: func(e *testscript.Env) error {
			tb := e.T().(testing.TB) //nolint:forcetypeassert // testscript.Run wraps a *testing.T
			e.Setenv("REDIS", testservers.EmbeddedRedis(tb).URL())
			e.Setenv("KAFKA", strings.Join(testservers.EmbeddedKafka(tb).Brokers, ","))
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOROOT"} {
				e.Setenv(name, goEnv(tb, name))
			}
			e.Setenv("GOFLAGS", "-mod=mod -buildvcs=false")
			e.Setenv("GOPROXY", "off")
			e.Setenv("GOWORK", "off")
			return nil
		},
	})
}

func goEnv(tb testing.TB, name string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "env", name).Output()
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// module PATH makes the current folder a module that uses this checkout of leat.
func module(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: module PATH")
	}
	root, err := filepath.Abs("../..")
	ts.Check(err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	ts.Check(err)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	ts.Check(err)
	text := []byte(modFile(string(mod), root, args[0]))
	ts.Check(os.WriteFile(ts.MkAbs("go.mod"), text, 0o600)) //nolint:gosec // in the folder of the test
	ts.Check(os.WriteFile(ts.MkAbs("go.sum"), sum, 0o600))  //nolint:gosec // in the folder of the test
}

// modFile is leat's go.mod made that of a module which uses the checkout in root.
func modFile(mod, root, path string) string {
	const leat = "github.com/leat-go/leat"
	return strings.Replace(mod, "module "+leat, "module "+path, 1) +
		"\nrequire " + leat + " v0.0.0\n\nreplace " + leat + " => " + root + "\n"
}

// exits CODE PROGRAM ARGS… runs a program and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	code, err := 0, ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/settings"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"demo": func() { cli.Main(demo()) }})
}

// kept is a memory broker that several commands use one after the other.
type kept struct{ broker.Broker }

func (kept) Close(context.Context) error { return nil }

var update = flag.Bool("update", false, "rewrite the sessions")

func TestSessions(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "mem": inMemory,
		},
		Setup: func(e *testscript.Env) error {
			e.Values["memory"] = kept{memory.New()}
			e.Setenv("CLOSED", closedPort(t))
			return nil
		},
		UpdateScripts: *update,
	})
}

// brokerEnvs are the environments of processes that meet at a broker.
var brokerEnvs = map[string]func(testing.TB) []string{
	"kafka": func(t testing.TB) []string {
		t.Helper()
		return []string{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(testservers.EmbeddedKafka(t).Brokers, ",")}
	},
	"redis": func(t testing.TB) []string {
		t.Helper()
		return []string{"REDIS_ENABLED=true", "REDIS_URL=" + testservers.EmbeddedRedis(t).URL()}
	},
}

func TestSessionsOnBrokers(t *testing.T) {
	t.Parallel()
	for name, env := range brokerEnvs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:  "testdata/brokers",
				Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
				Setup: func(e *testscript.Env) error {
					tb := e.T().(testing.TB) //nolint:forcetypeassert // testscript.Run wraps a *testing.T
					e.Vars = append(e.Vars, env(tb)...)
					e.Setenv("REGISTRY", testservers.EmbeddedRegistry(tb).URL)
					return nil
				},
			})
		})
	}
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

// mem CODE [<FILE] ARGS… runs a command of the demo in this process, on the memory broker of the session.
func inMemory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: mem CODE [<FILE] ARGS…")
	}
	want, args := args[0], args[1:]
	var in bytes.Buffer
	if len(args) > 0 && strings.HasPrefix(args[0], "<") {
		in.WriteString(ts.ReadFile(args[0][1:]))
		args = args[1:]
	}
	a := demo().In(app.Environment{
		Broker:   ts.Value("memory").(broker.Broker), //nolint:forcetypeassert // set by the test
		Settings: settings.Options{Dir: ts.MkAbs("."), Environ: []string{}},
	})
	code := cli.Run(context.Background(), a, args, &in, ts.Stdout(), ts.Stderr())
	if strconv.Itoa(code) != want {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args, " "), code, want)
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Every session has a purpose: an empty folder would pass.
func TestThereAreSessions(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"script", "brokers"} {
		if files, _ := filepath.Glob(filepath.Join("testdata", dir, "*.txtar")); len(files) == 0 {
			t.Errorf("no sessions in testdata/%s", dir)
		}
	}
}

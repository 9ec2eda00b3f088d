package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeServer is a server that only remembers that it was closed.
type fakeServer struct{ closed bool }

func (f *fakeServer) Close() error { f.closed = true; return nil }

// fake returns a service that starts without doing anything.
func fake(kind, env string) (service, *fakeServer) {
	f := &fakeServer{}
	return service{kind, env, func(context.Context) (server, error) {
		return server{"address of " + kind, kind + " 1.2", f}, nil
	}}, f
}

func absent(kind, env string) service {
	return service{kind, env, func(context.Context) (server, error) {
		return server{}, errors.New("no " + kind + " here")
	}}
}

// result is what a run leaves behind.
type result struct {
	code int
	out  string // the last line of it
	talk string
}

func run(t *testing.T, script string, services ...service) result {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	var out, talk bytes.Buffer
	e := environment{services: services, out: &out, talk: &talk}
	code := e.run(t.Context(), []string{"sh", "-c", script})
	return result{code, out.String(), talk.String()}
}

// clean removes what the surroundings of this test may have set.
func clean(t *testing.T) {
	t.Helper()
	t.Setenv("LEAT_REQUIRE_REAL", "")
	t.Setenv("A", "")
	t.Setenv("B", "")
}

func TestRunTellsTheCommandTheAddresses(t *testing.T) {
	clean(t)
	file := filepath.Join(t.TempDir(), "seen")
	a, closed := fake("a", "A")
	got := run(t, `echo "$A,$B" > `+file+`; exit 3`, a, absent("b", "B"))
	want := result{3, "not tested against: b\n", "testenv: a 1.2 at address of a\ntestenv: no real b: no b here\n"}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	seen, err := os.ReadFile(file)
	if err != nil || string(seen) != "address of a,embedded\n" {
		t.Errorf("the command saw %q, %v", seen, err)
	}
	if !closed.closed {
		t.Error("the server was not closed")
	}
}

func TestRunNamesTheVersionsWhenAllAreReal(t *testing.T) {
	clean(t)
	a, _ := fake("a", "A")
	b, _ := fake("b", "B")
	got := run(t, "exit 0", a, b)
	if got.code != 0 || got.out != "tested against: a 1.2, b 1.2\n" {
		t.Errorf("got code %d and %q", got.code, got.out)
	}
}

func TestRunWithRequiredServersFailsBeforeTheCommand(t *testing.T) {
	clean(t)
	t.Setenv("LEAT_REQUIRE_REAL", "1")
	file := filepath.Join(t.TempDir(), "seen")
	a, closed := fake("a", "A")
	got := run(t, "touch "+file, a, absent("b", "B"))
	if got.code != 1 || !strings.Contains(got.talk, "LEAT_REQUIRE_REAL=1 and no real b") || got.out != "not tested against: b\n" {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the command ran")
	}
	if !closed.closed {
		t.Error("the server was not closed")
	}
}

func TestRunTakesAnAddressThatIsSet(t *testing.T) {
	clean(t)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	t.Setenv("A", "http://"+address+"/api")
	got := run(t, "exit 0", absent("a", "A"))
	if got.code != 0 || got.out != "tested against: a at http://"+address+"/api\n" {
		t.Errorf("got %+v", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "exit 0", absent("a", "A")); got.out != "not tested against: a\n" {
		t.Errorf("with nobody there: got %+v", got)
	}
}

func TestRunSaysThatTheCommandDoesNotExist(t *testing.T) {
	clean(t)
	var out, talk bytes.Buffer
	e := environment{out: &out, talk: &talk}
	code := e.run(t.Context(), []string{"/no/such/command"})
	if code != 1 || !strings.Contains(talk.String(), "/no/such/command") {
		t.Errorf("got code %d and %q", code, talk.String())
	}
}

func TestAnInterruptEndsTheCommandAndTheServers(t *testing.T) {
	clean(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	if out, err := exec.CommandContext(ctx, "mkfifo", ready).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	a, closed := fake("a", "A")
	var out, talk bytes.Buffer
	e := environment{services: []service{a}, out: &out, talk: &talk}
	codes := make(chan int)
	go func() { codes <- e.run(ctx, []string{"sh", "-c", "echo up > " + ready + "; exec sleep 600"}) }()
	if _, err := os.ReadFile(ready); err != nil {
		t.Fatal(err)
	}
	interrupt()
	if code := <-codes; code == 0 {
		t.Error("an interrupted run passed")
	}
	if !closed.closed {
		t.Error("the server was not closed")
	}
}

func TestStartWithoutACommandIsAFault(t *testing.T) {
	t.Parallel()
	if code := start([]string{"--"}); code != 2 {
		t.Errorf("got code %d, want 2", code)
	}
}

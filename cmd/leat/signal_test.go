//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const stoppable = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/leat-go/leat/cmd/cli"
)

var _ = cli.Main

func main() {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	fmt.Fprintln(os.Stderr, "ready")
	fmt.Fprintln(os.Stderr, "got", <-c)
	select {
	case s := <-c:
		fmt.Fprintln(os.Stderr, "again", s)
	case <-time.After(time.Second):
	}
	os.Exit(7)
}
`

// What is sent to leat or its process group reaches the service once, and its exit code is leat's.
func TestSignalsReachTheService(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mod, sum := moduleFiles(t, root, "example.com/stoppable")
	write("go.mod", mod)
	write("go.sum", sum)
	write("main.go", stoppable)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			signalled(t, dir, sig)
		})
	}
}

func moduleFiles(tb testing.TB, root, path string) (mod, sum string) {
	tb.Helper()
	m, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		tb.Fatal(err)
	}
	return modFile(string(m), root, path), string(s)
}

func signalled(t *testing.T, dir string, sig syscall.Signal) {
	t.Helper()
	leat, err := exec.LookPath("leat")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), leat, "run")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for s := bufio.NewScanner(out); s.Scan(); {
		said.WriteString(s.Text() + "\n")
		if s.Text() == "ready" {
			if err := syscall.Kill(-c.Process.Pid, sig); err != nil { // the whole group, as timeout does
				t.Error(err)
			}
		}
	}
	_ = c.Wait() // its exit code says it
	if code := c.ProcessState.ExitCode(); code != 7 || !strings.Contains(said.String(), "got "+sig.String()) || strings.Contains(said.String(), "again") {
		t.Errorf("leat exited with %d, want the service's 7 after one signal:\n%s", code, &said)
	}
}

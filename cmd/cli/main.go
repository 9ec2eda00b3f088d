package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/leat-go/leat/app"
)

// Main is a service's main: it runs the command that the arguments name and exits. Without
// arguments the whole service runs. The first interrupt or SIGTERM stops in order, the second
// at once. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 faults of settings or wiring,
// 4 broker or schema registry unreachable, 5 drift or an incompatible schema, 130 interrupted twice.
//
// Commands of the program's own come beside those of every service.
func Main(a *app.App, own ...Command) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	ctx := interruptible(os.Stderr)
	s := &session{app: a, name: name, own: own, in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(s.run(ctx, os.Args[1:]))
}

// Run is [Main] without the process: it runs the command that args name (the program's name
// left out) until ctx ends and returns the exit code. It installs no signal handler of its own.
func Run(ctx context.Context, a *app.App, args []string, stdin io.Reader, stdout, stderr io.Writer, own ...Command) int {
	s := &session{app: a, name: "leat", own: own, in: stdin, out: stdout, err: stderr}
	return s.run(ctx, args)
}

// interruptible returns a context that the first signal ends; the second ends the process.
func interruptible(stderr io.Writer) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(stderr, "interrupted again: stopped at once")
		os.Exit(exitInterrupted)
	}()
	return ctx
}

// session is one call of the command line.
type session struct {
	app      *app.App
	name     string // of the program
	own      []Command
	in       io.Reader
	out, err io.Writer
	flags    global
	works    bool // the arguments were understood and a command is at work
}

func (s *session) run(ctx context.Context, args []string) int {
	root := newRoot(s) //nolint:contextcheck // commands get theirs from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := codeOf(ctx, err)
	if err != nil && !s.works {
		code = exitUsage
	}
	if code != exitDone {
		s.complain(err, code)
	}
	return code
}

// complain prints what went wrong and what cures it.
func (s *session) complain(err error, code int) {
	fmt.Fprintln(s.err, s.name+": "+err.Error())
	if code == exitUsage && !s.works {
		s.say("see `%s --help`", s.name)
	}
	if code == exitUnreachable {
		s.say("%s", unreachableRemedy(err))
	}
}

// say is talk: a line on stderr.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.err, format+"\n", args...) }

func unreachableRemedy(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "registry"):
		return "check that the schema registry runs and set KAFKA_SCHEMA_REGISTRY_URL, or pass --set kafka.schema_registry_url=http://HOST:PORT"
	case strings.Contains(text, "redis"):
		return "check that Redis runs and set REDIS_URL, or pass --set redis.url=redis://HOST:PORT/0"
	}
	return "check that the broker runs and set KAFKA_BOOTSTRAP_SERVERS, or pass --set kafka.bootstrap_servers=HOST:PORT"
}

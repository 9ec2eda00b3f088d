package testservers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	readyWithin = 90 * time.Second // bounds every start, on a slow machine too
	stopWithin  = 20 * time.Second // how long a server may take to end by itself
	pollEvery   = 50 * time.Millisecond
)

// process is a server program that was started here. It ends with kill or stop, at the latest with the
// process that started it where the system can do that (Linux).
type process struct {
	name    string
	cmd     *exec.Cmd
	logFile string
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read after done
}

// startProcess starts a program whose output goes to the end of logFile. It does not wait until the program
// is ready, and a later end of ctx does not stop it.
func startProcess(ctx context.Context, name, dir, logFile string, argv ...string) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()                                                            //nolint:errcheck // the program has its own handle
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...) //nolint:gosec // only our own programs
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, out, out, childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, logFile: logFile, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

func (p *process) wait() {
	p.err = p.cmd.Wait()
	close(p.done)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the program at once, without giving it a chance to write anything.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// stop asks the program to end, and kills it when it has not done so in time.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.kill()
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWithin):
		return p.kill()
	}
}

// ready returns when check succeeds. It fails when the program ends first or ctx does.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w%s", p.name, p.end(), p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)%s", p.name, err, ctx.Err(), p.tail())
		case <-time.After(pollEvery):
		}
	}
}

func (p *process) end() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail returns the last lines that the program wrote, to be put behind an error.
func (p *process) tail() string {
	b, err := os.ReadFile(p.logFile)
	if err != nil || len(b) == 0 {
		return ""
	}
	return "; its last output:\n" + lastLines(string(b), 15)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

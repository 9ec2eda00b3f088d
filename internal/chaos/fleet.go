package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process of a run: a producer or a member.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// fleet starts this binary's other roles and notes what happens to them.
type fleet struct {
	binary string
	dir    string
	env    []string
	log    *Log

	mu    sync.Mutex
	all   []*child
	peaks map[int]int64
}

// start runs `chaos role args`, with settings of its own, which does not end with ctx. What it says goes to a
// file of its name.
func (f *fleet) start(ctx context.Context, name string, env []string, role string, args ...string) (*child, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	home := filepath.Join(f.dir, name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	said, err := os.OpenFile(filepath.Join(f.dir, name+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return nil, err
	}
	defer said.Close()                                                                                   //nolint:errcheck // the child has its own handle
	cmd := exec.CommandContext(context.WithoutCancel(ctx), f.binary, append([]string{role}, args...)...) //nolint:gosec // ourselves
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = home, slices.Concat(f.env, env), said, said, childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{name: name, cmd: cmd, done: make(chan struct{})}
	f.all = append(f.all, c)
	go f.wait(c)
	return c, nil
}

func (f *fleet) wait(c *child) {
	c.err = c.cmd.Wait()
	_ = f.log.Add(Event{Kind: Died, PID: c.pid()})
	close(c.done)
}

// kill ends the child at once.
func (f *fleet) kill(c *child) error {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.done
	return nil
}

// freeze stops the child's clockwork until thaw.
func (f *fleet) freeze(c *child) error {
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return f.log.Add(Event{Kind: Silenced, PID: c.pid()})
}

func (f *fleet) thaw(c *child) error { return c.cmd.Process.Signal(syscall.SIGCONT) }

// stopWithin is more than shutdown.timeout.
const stopWithin = 40 * time.Second

// stop asks the child to end and requires that it does so in order.
func (f *fleet) stop(c *child) error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.done:
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("%s still runs %v after SIGTERM", c.name, stopWithin), f.kill(c))
	}
	if c.err != nil {
		return fmt.Errorf("%s: %w", c.name, c.err)
	}
	return nil
}

// end kills whatever still runs.
func (f *fleet) end() {
	for _, c := range f.children() {
		_ = f.kill(c)
	}
}

func (f *fleet) children() []*child {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

// weigh notes the most that each member ever had resident.
func (f *fleet) weigh() {
	for _, c := range f.children() {
		if !strings.HasPrefix(c.name, "member") || !c.running() {
			continue
		}
		if peak, ok := peakMemory(c.pid()); ok {
			f.mu.Lock()
			f.peaks[c.pid()] = peak
			f.mu.Unlock()
		}
	}
}

// peakMemory reads the largest resident memory of a process where the system tells it.
func peakMemory(pid int) (int64, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0, false
	}
	kb, err := strconv.ParseInt(words[0], 10, 64)
	return kb << 10, err == nil
}

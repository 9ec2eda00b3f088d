package cli_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a command of the demo in a process of its own.
type program struct {
	t   *testing.T
	cmd *exec.Cmd

	mu     sync.Mutex
	stderr strings.Builder
	grew   chan struct{}
	ended  chan struct{}
}

const patience = 30 * time.Second

// start runs the demo in an empty folder with nothing but env.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(demoPath(t), args...), grew: make(chan struct{}, 1), ended: make(chan struct{})} //nolint:noctx // the test itself, killed below
	p.cmd.Dir, p.cmd.Env = t.TempDir(), append([]string{"HOME=/no-home", "LOG_FORMAT=text"}, env...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// demoPath is the program that testscript puts into the path.
func demoPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("demo")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *program) read(out io.Reader) {
	defer close(p.ended)
	for s := bufio.NewScanner(out); s.Scan(); {
		p.mu.Lock()
		p.stderr.WriteString(s.Text() + "\n")
		p.mu.Unlock()
		select {
		case p.grew <- struct{}{}:
		default:
		}
	}
	_ = p.cmd.Wait()
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// says waits until stderr holds all of the texts.
func (p *program) says(texts ...string) {
	p.t.Helper()
	timeout := time.After(patience)
	for _, want := range texts {
		for !strings.Contains(p.text(), want) {
			select {
			case <-p.grew:
			case <-p.ended:
				if !strings.Contains(p.text(), want) {
					p.t.Fatalf("it ended and did not say %q:\n%s", want, p.text())
				}
			case <-timeout:
				p.t.Fatalf("it does not say %q:\n%s", want, p.text())
			}
		}
	}
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// repeats sends a signal until the program has ended.
func (p *program) repeats(s os.Signal) {
	p.t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for timeout := time.After(patience); ; {
		select {
		case <-p.ended:
			return
		case <-again.C:
			_ = p.cmd.Process.Signal(s) // it may just have ended
		case <-timeout:
			p.t.Fatalf("it does not end:\n%s", p.text())
		}
	}
}

// exits waits for the end and checks the exit code.
func (p *program) exits(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("it does not end:\n%s", p.text())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("it exited with %d, want %d:\n%s", got, code, p.text())
	}
}

func (p *program) neverSaid(text string) {
	p.t.Helper()
	if strings.Contains(p.text(), text) {
		p.t.Errorf("it said %q:\n%s", text, p.text())
	}
}

func TestRunServesAllAndStopsInOrder(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"without arguments": nil, "run": {"run"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"DEMO_ORDER=o1", "MESSAGING_BROKER=memory"}, args...)
			p.says("task began", "audited order o1", "mailed receipt of order o1 by localhost")
			p.signal(syscall.SIGTERM)
			p.exits(0)
		})
	}
}

func TestWorkersShareTheMemoryBrokerAndRunNoTasks(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "worker", "--all")
	p.says("worker=billing.Charge", "worker=audit", "worker=Mailer.Receipt", "KAFKA_ENABLED")
	p.signal(os.Interrupt)
	p.exits(0)
	p.neverSaid("task began")
}

func TestWorkersRunApart(t *testing.T) {
	t.Parallel()
	for name, env := range brokerEnvs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workersRunApart(t, env(t))
		})
	}
}

// workersRunApart has one worker that cannot start, and others that do all the same.
func workersRunApart(t *testing.T, env []string) {
	t.Helper()
	broken := start(t, append(slices.Clone(env), "DEMO_MAILER=broken"), "worker", "--all")
	broken.says(`worker ended, it will be run again" worker=Mailer.Receipt wait=1s`, "no mail server",
		`worker runs" worker=billing.Charge`, `worker runs" worker=audit`)

	service := start(t, append(slices.Clone(env), "DEMO_ORDER=o2"), "run", "--set", "workers.audit.enabled=false", "--set", "workers.billing-charge.enabled=false")
	service.says("task began")
	broken.says("audited order o2")
	service.says("mailed receipt of order o2 by localhost")

	one := start(t, env, "kafka", "consume", "receipts", "--group", "mailer")
	one.says(`worker runs" worker=Mailer.Receipt`)
	for _, p := range []*program{broken, service, one} {
		p.signal(os.Interrupt)
	}
	for _, p := range []*program{broken, service, one} {
		p.exits(0)
	}
}

func TestTailStopsCleanly(t *testing.T) {
	t.Parallel()
	env := brokerEnvs["kafka"](t)
	start(t, env, "topics", "create", "orders").exits(0)
	p := start(t, env, "tail", "orders", "--set", "log.level=debug")
	p.says(`orders`) // it has asked for the topic
	p.signal(os.Interrupt)
	p.exits(0)
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DEMO_ORDER=hang", "MESSAGING_BROKER=memory"}, "run")
	p.says("audit hangs", "started")
	p.signal(os.Interrupt)
	p.says("stopping")
	p.repeats(os.Interrupt) // what comes at once is taken for the same wish
	p.exits(130)
}

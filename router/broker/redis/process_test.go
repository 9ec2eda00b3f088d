package redis_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// asMember is the environment variable that makes the test binary a member of a group.
const asMember = "LEAT_TEST_REDIS_MEMBER"

// memberConfig is what a member in a process of its own is told.
type memberConfig struct {
	Addr, Topic string
	Lease       time.Duration
}

// begun is the beginning of a handler.
type begun struct {
	Who, Key, ID string
	At           int64 // nanoseconds of the clock of this machine
}

// beMember is a member of group g until its input ends: it writes what it begins to handle,
// a line each. The message "slow" it handles until that is cancelled.
func beMember(config string) int {
	var cfg memberConfig
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return fault(err)
	}
	b, err := redis.New(settings.Redis{URL: settings.URL("redis://" + cfg.Addr), Lease: cfg.Lease},
		redis.Logger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		return fault(err)
	}
	ctx := context.Background()
	defer b.Close(ctx) //nolint:errcheck // nothing to flush
	m, err := b.Join(ctx, group(cfg.Topic, report(json.NewEncoder(os.Stdout))))
	if err != nil {
		return fault(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		return fault(err)
	}
	return 0
}

func fault(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func report(out *json.Encoder) func(broker.Delivery) {
	var mu sync.Mutex
	return func(d broker.Delivery) {
		mu.Lock()
		_ = out.Encode(beginning("process", d)) // a test that does not hear it fails
		mu.Unlock()
		if d.Record().ID == "slow" {
			<-d.Context().Done()
		}
		d.Done()
	}
}

func beginning(who string, d broker.Delivery) begun {
	return begun{who, string(d.Record().Key), d.Record().ID, time.Now().UnixNano()}
}

// memberProcess is a member in a process of its own.
type memberProcess struct {
	cmd *exec.Cmd
	in  io.Closer
	log *logBook
	out sync.WaitGroup
}

// startMember starts one that tells history what it handles. It ends with the test.
func startMember(t *testing.T, cfg memberConfig, h *history) *memberProcess {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := &memberProcess{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]), log: newLogBook(t)}
	p.cmd.Env = append(os.Environ(), asMember+"="+string(text))
	p.cmd.Stderr = p.log
	in, err1 := p.cmd.StdinPipe()
	out, err2 := p.cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in = in
	p.out.Go(func() { h.read(out) })
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); p.out.Wait(); _ = p.cmd.Wait() })
	return p
}

func (p *memberProcess) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// end lets the member leave in order.
func (p *memberProcess) end(t *testing.T) {
	t.Helper()
	_ = p.in.Close()
	p.out.Wait()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the process of the member: %v", err)
	}
}

// history is what several members began to handle.
type history struct {
	mu    sync.Mutex
	begun []begun
}

func (h *history) add(b begun) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = append(h.begun, b)
}

func (h *history) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var b begun
		if json.Unmarshal(lines.Bytes(), &b) == nil {
			h.add(b)
		}
	}
}

func (h *history) handle(who string) func(broker.Delivery) {
	return func(d broker.Delivery) { h.add(beginning(who, d)); d.Done() }
}

// by returns who began the message, in order.
func (h *history) by(id string) (who []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.begun {
		if b.ID == id {
			who = append(who, b.Who)
		}
	}
	return who
}

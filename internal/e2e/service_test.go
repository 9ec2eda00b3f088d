package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
)

var built struct {
	mu   sync.Mutex
	dir  string
	path map[string]string
}

func TestMain(m *testing.M) {
	code := testservers.Main(m)
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program builds a package once and returns its binary.
func program(t *testing.T, pkg string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if p := built.path[pkg]; p != "" {
		return p
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "leat-e2e-") //nolint:usetesting // outlives the test
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.path = dir, map[string]string{}
	}
	p := filepath.Join(built.dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", p, pkg).CombinedOutput(); err != nil { //nolint:noctx // ends by itself
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	built.path[pkg] = p
	return p
}

// service is a running program and what it has said.
type service struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	said []string
	news chan struct{}
	over chan struct{}
	err  error
}

// start runs a program with only the given environment, in an empty folder.
func start(t *testing.T, binary string, env []string, args ...string) *service {
	t.Helper()
	s := &service{t: t, news: make(chan struct{}), over: make(chan struct{})}
	s.cmd = exec.Command(binary, args...) //nolint:noctx // ended below
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.cmd.Dir}, env...)
	r, w := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.listen(r)
	go func() {
		s.err = s.cmd.Wait()
		_ = w.Close()
		close(s.over)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.over
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(binary), strings.Join(s.lines(), "\n"))
		}
	})
	return s
}

func (s *service) listen(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.mu.Lock()
		s.said = append(s.said, lines.Text())
		close(s.news)
		s.news = make(chan struct{})
		s.mu.Unlock()
	}
}

func (s *service) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.said...)
}

// hear waits for a line with all of the words.
func (s *service) hear(within time.Duration, words ...string) {
	s.t.Helper()
	late := time.After(within)
	for {
		s.mu.Lock()
		news := s.news
		s.mu.Unlock()
		for _, l := range s.lines() {
			if containsAll(l, words) {
				return
			}
		}
		select {
		case <-news:
		case <-s.over:
			s.t.Fatalf("ended (%v) before it said %q", s.err, words)
		case <-late:
			s.t.Fatalf("did not say %q within %v", words, within)
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// stop sends SIGTERM and returns the exit code and how long it took.
func (s *service) stop() (code int, took time.Duration) {
	s.t.Helper()
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	return s.exit(time.Minute), time.Since(begin)
}

func (s *service) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-s.over
}

// exit waits for the end of the program.
func (s *service) exit(within time.Duration) int {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(within):
		s.t.Fatalf("still runs after %v", within)
	}
	if e, ok := errors.AsType[*exec.ExitError](s.err); ok {
		return e.ExitCode()
	}
	if s.err != nil {
		s.t.Fatal(s.err)
	}
	return 0
}

// freePort returns an address that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := testservers.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// quickstart is a running example and its address.
type quickstart struct {
	*service
	url string
}

func startQuickstart(t *testing.T, env ...string) *quickstart {
	t.Helper()
	addr := freePort(t)
	q := &quickstart{start(t, program(t, "github.com/leat-go/leat/examples/quickstart"), append(env, "QUICKSTART_LISTEN="+addr)), "http://" + addr + "/users"}
	q.awaitHTTP(addr)
	return q
}

func (q *quickstart) awaitHTTP(addr string) {
	q.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := (&net.Dialer{}).DialContext(q.t.Context(), "tcp", addr)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-q.over:
			q.t.Fatalf("ended before it listened: %v", q.err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			q.t.Fatal("does not listen after 30 s")
		}
	}
}

// create posts a user and returns the id.
func (q *quickstart) create(email string) int64 {
	q.t.Helper()
	status, body := q.post(email)
	var out struct {
		UserID int64 `json:"user_id"`
	}
	if err := json.Unmarshal(body, &out); status != http.StatusAccepted || err != nil {
		q.t.Fatalf("POST /users: %d %s", status, body)
	}
	if out.UserID <= 0 || out.UserID >= 1<<53 {
		q.t.Fatalf("user id %d", out.UserID)
	}
	return out.UserID
}

func (q *quickstart) post(email string) (int, []byte) {
	q.t.Helper()
	req, err := http.NewRequestWithContext(q.t.Context(), http.MethodPost, q.url, strings.NewReader(fmt.Sprintf(`{"email": %q}`, email)))
	if err != nil {
		q.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		q.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.StatusCode, body
}

// outsider runs the Python client; the test is skipped where there is none.
func outsider(t *testing.T, args ...string) (lines []map[string]any) {
	t.Helper()
	python := os.Getenv("LEAT_TEST_PYTHON")
	if python == "" {
		if testservers.RequireReal() {
			t.Fatal("LEAT_TEST_PYTHON is not set: it names a Python with aiokafka, fastavro, redis and msgpack")
		}
		t.Skip("LEAT_TEST_PYTHON is not set: no Python with aiokafka, fastavro, redis and msgpack")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append([]string{"testdata/outsider.py"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("outsider.py %q: %v\n%s", args, err, stderr.String())
	}
	for line := range bytes.Lines(out) {
		m := map[string]any{}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines
}

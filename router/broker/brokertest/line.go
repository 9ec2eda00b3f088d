package brokertest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// lag is how long what a client has sent may take to arrive.
const lag = 20 * time.Millisecond

// Line is a way to a server that can be cut and mended: see [Away], and [Crash] for backends that
// crash best from outside. It listens on a loopback port and carries bytes both ways.
type Line struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	broken bool
	conns  []net.Conn
	wg     sync.WaitGroup
}

// NewLine starts a line to a server at host:port. It is closed at the end of t.
func NewLine(t testing.TB, target string) *Line {
	t.Helper()
	l, err := newLine(t.Context(), target, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

func newLine(ctx context.Context, target string, broken bool) (*Line, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Line{listener: listener, target: target, broken: broken}
	l.wg.Go(l.serve)
	return l, nil
}

// Addr is where the line begins, as host:port.
func (l *Line) Addr() string { return l.listener.Addr().String() }

// Cut breaks all connections and lets no other begin before mend is called. For a moment what the client
// sends still arrives and its answers are lost, as happens to the unlucky.
func (l *Line) Cut() (mend func()) {
	l.set(true)
	<-time.After(lag)
	l.hangUp()
	return func() { l.set(false) }
}

func (l *Line) set(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

func (l *Line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func (l *Line) close() {
	_ = l.listener.Close()
	l.set(true)
	l.hangUp()
	l.wg.Wait()
}

func (l *Line) serve() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.carry(c) })
	}
}

func (l *Line) carry(client net.Conn) {
	defer client.Close()                     //nolint:errcheck // over
	server, err := net.Dial("tcp", l.target) //nolint:noctx // a loopback address, and nobody waits
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // over
	if !l.keep(client, server) {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { pipe(answers{client, l}, server) })
	pipe(server, client)
	wg.Wait()
}

// keep remembers the ends of a connection; false when the line is cut.
func (l *Line) keep(cs ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, cs...)
	return !l.broken
}

// answers is the end of the client. What it is told by a line that is cut gets lost.
type answers struct {
	net.Conn
	l *Line
}

func (a answers) Write(p []byte) (int, error) {
	a.l.mu.Lock()
	lost := a.l.broken
	a.l.mu.Unlock()
	if lost {
		return len(p), nil
	}
	return a.Conn.Write(p)
}

// pipe carries one direction and ends both.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

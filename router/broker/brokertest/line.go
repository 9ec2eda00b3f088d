package brokertest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Line is a way to a server that can be cut, for backends that crash best from outside: see
// [Crash]. It listens on a loopback port and carries bytes both ways.
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
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{listener: listener, target: target}
	l.wg.Go(l.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		l.wg.Wait()
	})
	return l
}

// Addr is where the line begins, as host:port.
func (l *Line) Addr() string { return l.listener.Addr().String() }

// Cut breaks all connections and lets no other begin.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
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
	wg.Go(func() { pipe(client, server) })
	pipe(server, client)
	wg.Wait()
}

// keep remembers the ends of a connection; false when the line was cut.
func (l *Line) keep(cs ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, cs...)
	return !l.broken
}

// pipe carries one direction and ends both.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

package brokertest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Lines are the ways of one client to servers that tell it the addresses of others: a [Line] to each that it dials, for
// clients that can be given a function to dial with.
type Lines struct {
	mu     sync.Mutex
	broken bool
	closed bool
	byAddr map[string]*Line
}

// NewLines returns lines that are closed at the end of t.
func NewLines(t testing.TB) *Lines {
	t.Helper()
	ls := &Lines{byAddr: map[string]*Line{}}
	t.Cleanup(ls.close)
	return ls
}

// Dial takes the line to the server at addr, a host:port.
func (ls *Lines) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l, err := ls.to(ctx, addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, l.Addr())
}

// to is the line to a server, begun when it is the first time.
func (ls *Lines) to(ctx context.Context, addr string) (*Line, error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return nil, net.ErrClosed
	}
	if l := ls.byAddr[addr]; l != nil {
		return l, nil
	}
	l, err := newLine(ctx, addr, ls.broken)
	if err != nil {
		return nil, err
	}
	ls.byAddr[addr] = l
	return l, nil
}

// Cut breaks all connections as [Line.Cut] does, and lets no other begin before mend is called.
func (ls *Lines) Cut() (mend func()) {
	ls.set(true)
	<-time.After(lag)
	ls.each((*Line).hangUp)
	return func() { ls.set(false) }
}

func (ls *Lines) set(broken bool) {
	ls.mu.Lock()
	ls.broken = broken
	ls.mu.Unlock()
	ls.each(func(l *Line) { l.set(broken) })
}

func (ls *Lines) each(do func(*Line)) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byAddr {
		do(l)
	}
}

func (ls *Lines) close() {
	ls.mu.Lock()
	ls.closed = true
	ls.mu.Unlock()
	ls.each((*Line).close)
}

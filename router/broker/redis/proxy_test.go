package redis_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy is a connection to a server that can be cut.
type proxy struct {
	l      net.Listener
	target string
	mu     sync.Mutex
	cut    bool
	held   chan struct{} // answers wait until it is closed; nil: they do not
	conns  []net.Conn
	wg     sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, target: target}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.set(true)
		p.wg.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) serve() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.carry(c) })
	}
}

func (p *proxy) carry(c net.Conn) {
	defer func() { _ = c.Close() }()
	var d net.Dialer
	s, err := d.DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	if !p.keep(c, s) {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(c, late{s, p}); _ = c.Close() })
	_, _ = io.Copy(s, c)
	_ = s.Close()
	wg.Wait()
}

func (p *proxy) keep(cs ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.conns = append(p.conns, cs...)
	}
	return !p.cut
}

// set cuts all connections and refuses new ones, or lets them through again.
func (p *proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.conns = nil
	}
}

// hold keeps all answers back until the returned function is called, at the latest until t ends.
func (p *proxy) hold(t *testing.T) (goOn func()) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.held = held
	goOn = sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held = nil
		close(held)
	})
	t.Cleanup(goOn)
	return goOn
}

// late reads answers that may be held back.
type late struct {
	io.Reader
	p *proxy
}

func (l late) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	l.p.mu.Lock()
	held := l.p.held
	l.p.mu.Unlock()
	if held != nil {
		<-held
	}
	return n, err
}

package redis_test

import (
	"bytes"
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
	stops  map[direction]*stop
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
	p := &proxy{l: l, target: target, stops: map[direction]*stop{}}
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
	wg.Go(func() { _, _ = io.Copy(stopping{c, p, answers}, late{s, p}); _ = c.Close() })
	_, _ = io.Copy(stopping{s, p, requests}, c)
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

// direction is one of the two in which a proxy carries bytes.
type direction bool

const (
	requests direction = true
	answers  direction = false
)

// stop is where a connection stops once.
type stop struct {
	mark         []byte
	caught, goOn chan struct{}
}

// stopAt lets the first connection that meets mark wait before it until goOn is called, at
// the latest until t ends. Caught is closed when one does.
func (p *proxy) stopAt(t *testing.T, d direction, mark string) (caught <-chan struct{}, goOn func()) {
	t.Helper()
	s := &stop{[]byte(mark), make(chan struct{}), make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops[d] = s
	goOn = sync.OnceFunc(func() { close(s.goOn) })
	t.Cleanup(goOn)
	return s.caught, goOn
}

// meets returns the stop that is in b, which no other connection meets then, and where.
func (p *proxy) meets(d direction, b []byte) (*stop, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stops[d]
	if s == nil {
		return nil, 0
	}
	at := bytes.Index(b, s.mark)
	if at < 0 {
		return nil, 0
	}
	delete(p.stops, d)
	return s, at
}

// stopping writes what is carried in a direction, and stops where it has to.
type stopping struct {
	io.Writer
	p *proxy
	d direction
}

func (w stopping) Write(b []byte) (int, error) {
	s, at := w.p.meets(w.d, b)
	if s == nil {
		return w.Writer.Write(b)
	}
	if n, err := w.Writer.Write(b[:at]); err != nil {
		return n, err
	}
	close(s.caught)
	<-s.goOn
	n, err := w.Writer.Write(b[at:])
	return at + n, err
}

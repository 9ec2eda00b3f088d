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
	stop   *stop         // that no connection has met yet
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
	w := &way{p: p}
	wg.Go(func() { _, _ = io.Copy(c, answers{s, w}); _ = c.Close() })
	_, _ = io.Copy(questions{s, w}, c)
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

// stop is where one connection stops: the question waits for pass, then its answer for answer.
type stop struct {
	mark             []byte
	caught           chan struct{} // closed when a connection has met the mark
	passed, answered chan struct{}
	pass, answer     func()
}

// stopAt stops the first connection whose questions contain mark before it, at the latest
// until t ends.
func (p *proxy) stopAt(t *testing.T, mark string) *stop {
	t.Helper()
	s := &stop{mark: []byte(mark), caught: make(chan struct{}), passed: make(chan struct{}), answered: make(chan struct{})}
	s.pass = sync.OnceFunc(func() { close(s.passed) })
	s.answer = sync.OnceFunc(func() { close(s.answered) })
	t.Cleanup(s.pass)
	t.Cleanup(s.answer)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop = s
	return s
}

// way is one connection through the proxy.
type way struct {
	p       *proxy
	stopped *stop
}

// meets notes the stop whose mark is in b and returns it and where the mark is.
func (w *way) meets(b []byte) (*stop, int) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	if w.p.stop == nil {
		return nil, 0
	}
	at := bytes.Index(b, w.p.stop.mark)
	if at < 0 {
		return nil, 0
	}
	w.stopped, w.p.stop = w.p.stop, nil
	return w.stopped, at
}

// questions go to the server.
type questions struct {
	io.Writer
	*way
}

func (q questions) Write(b []byte) (int, error) {
	s, at := q.meets(b)
	if s == nil {
		return q.Writer.Write(b)
	}
	if n, err := q.Writer.Write(b[:at]); err != nil {
		return n, err
	}
	close(s.caught)
	<-s.passed
	n, err := q.Writer.Write(b[at:])
	return at + n, err
}

// answers come back, perhaps late.
type answers struct {
	io.Reader
	*way
}

func (a answers) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	a.p.mu.Lock()
	held, s := a.p.held, a.stopped
	a.p.mu.Unlock()
	if held != nil {
		<-held
	}
	if s != nil {
		<-s.answered
	}
	return n, err
}

package testservers_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/testservers"
)

// started ends t when a server did not start: skipped when this machine has none and none is required.
func started(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, testservers.ErrUnavailable) && !testservers.RequireReal():
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// wantFault is started for a server that must not start, and must say why.
func wantFault(t *testing.T, err error, parts ...string) {
	t.Helper()
	if errors.Is(err, testservers.ErrUnavailable) {
		started(t, err)
	}
	wantText(t, err, parts...)
}

func closeServer(t *testing.T, s io.Closer) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// refuses reports whether nothing listens at addr.
func refuses(t *testing.T, addr string) bool {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}

// listenSomewhere takes a port until the end of t.
func listenSomewhere(t *testing.T) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// wantText fails t unless err says all of the parts.
func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

package testservers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// The ports lie below the range from which the system takes ports for outgoing connections. A port from
// that range may be taken by a client while its server is down, even by a client that dials itself.
const (
	firstPort = 20000
	lastPort  = 31999
)

var handedOut sync.Map // int → struct{}; no port is given twice in one process

// FreePort returns a port of the loopback interface that nobody listens on and that this process has not
// given out before.
func FreePort(ctx context.Context) (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1) //nolint:gosec // a port is no secret
		if _, taken := handedOut.LoadOrStore(port, struct{}{}); !taken && isFree(ctx, port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 20000 and 31999")
}

func isFree(ctx context.Context, port int) bool {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// portOr returns the wanted port, or a free one when wanted is 0.
func portOr(ctx context.Context, wanted int) (int, error) {
	if wanted == 0 {
		return FreePort(ctx)
	}
	if !isFreeSoon(ctx, wanted) {
		return 0, fmt.Errorf("port %d is in use (stop what listens there, or leave the port to be chosen)", wanted)
	}
	return wanted, nil
}

// isFreeSoon waits a second for the port. A process that is being started holds a copy of every socket of
// its parent until its program begins, those just closed too.
func isFreeSoon(ctx context.Context, port int) bool {
	for range 50 {
		if isFree(ctx, port) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// accepts reports whether something listens at addr.
func accepts(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

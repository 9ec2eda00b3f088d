package testservers

import (
	"net"
	"testing"
	"time"
)

func TestAWantedPortThatIsClosingIsWaitedFor(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = l.Close() })
	wanted := l.Addr().(*net.TCPAddr).Port
	if got, err := portOr(t.Context(), wanted); got != wanted || err != nil {
		t.Fatalf("portOr(%d) = %d, %v, want the port once it is closed", wanted, got, err)
	}
}

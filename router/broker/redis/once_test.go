package redis

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/settings"
)

// deaf is a connection that breaks before the answer to INCR.
type deaf struct {
	net.Conn
	asked atomic.Bool
}

func (d *deaf) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("incr")) {
		d.asked.Store(true)
	}
	return d.Conn.Write(b)
}

func (d *deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.asked.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func TestClusterClientRepeatsNothingWhoseAnswerGotLost(t *testing.T) {
	t.Parallel()
	cfg := settings.Redis{URL: settings.URL("redis://" + testservers.RedisClusterFor(t).Addr()), Cluster: true}
	b, err := New(cfg, Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		return &deaf{Conn: c}, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	single, piped := testservers.Unique(t, "counter"), testservers.Unique(t, "counter")
	for key, call := range map[string]func() error{
		single: func() error { return b.client.Incr(t.Context(), single).Err() },
		piped: func() error {
			_, err := b.client.Pipelined(t.Context(), func(p redis.Pipeliner) error { p.Incr(t.Context(), piped); return nil })
			return err
		},
	} {
		if err := call(); err == nil {
			t.Error("a lost answer is no error")
		}
		if n, err := b.client.Get(t.Context(), key).Int(); n != 1 {
			t.Errorf("counted %d times, %v", n, err)
		}
	}
}

package chaos

import (
	"context"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is a network between the members and a server that can be cut and slowed.
type link struct{ proxy *toxiproxy.Proxy }

// newLink listens at addr and connects to upstream, which need not answer yet.
func newLink(addr, upstream string) (*link, error) {
	s := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(s, "server", addr, upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("listen at %s for %s: %w", addr, upstream, err)
	}
	return &link{p}, nil
}

// cut breaks all connections and accepts no new ones.
func (l *link) cut() { l.proxy.Stop() }

// mend accepts connections again.
func (l *link) mend() error { return l.proxy.Start() }

// stream is a direction of a link.
type stream string

const (
	toServer   stream = "upstream"
	fromServer stream = "downstream"
)

// slow delays one direction by milliseconds, give or take jitter, until undone.
func (l *link) slow(ctx context.Context, s stream, latency, jitter int) (undo func() error, err error) {
	return l.poison(ctx, "latency", s, fmt.Sprintf(`{"latency": %d, "jitter": %d}`, latency, jitter))
}

// narrow lets so many kilobytes a second through each connection in one direction, until undone.
func (l *link) narrow(ctx context.Context, s stream, rate int) (undo func() error, err error) {
	return l.poison(ctx, "bandwidth", s, fmt.Sprintf(`{"rate": %d}`, rate))
}

func (l *link) poison(ctx context.Context, kind string, s stream, attributes string) (undo func() error, err error) {
	name := kind + " " + string(s)
	toxic := fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": %s}`, name, kind, s, attributes)
	if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		return nil, err
	}
	return func() error { return l.proxy.Toxics.RemoveToxic(ctx, name) }, nil
}

func (l *link) close() { l.proxy.Stop() }

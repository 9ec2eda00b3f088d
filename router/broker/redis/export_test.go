package redis

import (
	"context"
	"net"
)

// Dialer replaces how connections begin.
func Dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(b *Broker) { b.options.Dialer = dial })
}

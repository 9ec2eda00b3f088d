package redis

import (
	"context"
	"net"
)

// Dialer replaces how connections begin.
func Dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(b *Broker) { b.options.Dialer = dial })
}

// ReadHash names the script that reads as the owner of a lease.
var ReadHash = readScript.Hash()

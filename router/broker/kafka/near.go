package kafka

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// near remembers the server that a client has connected to last: to ask it takes no new connection. It
// is a hook of the client.
type near struct{ id atomic.Pointer[int32] }

var _ kgo.HookBrokerConnect = (*near)(nil)

// OnBrokerConnect looks at a new connection.
func (n *near) OnBrokerConnect(to kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		n.id.Store(&to.NodeID)
	}
}

// ask asks the near server, and when that does not answer any other one.
func (n *near) ask(ctx context.Context, cl *kgo.Client, req kmsg.Request) (kmsg.Response, error) {
	if id := n.id.Load(); id != nil {
		if resp, err := cl.Broker(int(*id)).Request(ctx, req); err == nil {
			return resp, nil
		}
	}
	return cl.Request(ctx, req)
}

package kafka

import (
	"context"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// Dialer replaces how connections begin.
func Dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(b *Broker) { b.connecting = append(b.connecting, kgo.Dialer(dial)) })
}

// Crash ends a member without draining and without a commit.
func Crash(joined broker.Member) {
	ms := joined.(*membership)
	ms.stop()
	ms.running.Wait()
	m := ms.now
	m.closing.Do(func() {
		m.stopPolling()
		m.polling.Wait()
		m.cl.AllowRebalance()
		m.stopRest()
		m.rest.Wait()
		drop(m.takeAll(func(*part) bool { return true }))
		m.cl.CloseAllowingRebalance()
		m.closeEngines()
	})
}

// Lapse is what happens to a member that was silent for longer than its session. It recovers
// when it turns out to be a member still.
func Lapse(joined broker.Member) { joined.(*membership).current().lapse() }

// Silence lets a member believe that its last heartbeat was long ago, until the next one is answered.
func Silence(joined broker.Member) {
	m := joined.(*membership).current()
	long := time.Now().Add(-2 * m.pulse.limit)
	m.pulse.last.Store(&long)
}

// Burdened tells whether a member commits whatever is finished at once.
func Burdened(joined broker.Member) bool { return joined.(*membership).current().burdened.Load() }

// Explain is what callers learn of a record that was not written.
func Explain(topic string, err error) error { return explain(topic, err) }

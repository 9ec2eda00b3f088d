package kafka

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// pulse knows by this process' own monotonic clock when the group heard of the member last.
// It is a hook of the client.
type pulse struct {
	limit    time.Duration
	last     atomic.Pointer[time.Time]
	consumer atomic.Bool // the group speaks the consumer protocol
}

var _ kgo.HookBrokerE2E = (*pulse)(nil)

// OnBrokerE2E notes answered heartbeats, at the time they were sent: that is when the
// session began anew at the latest.
func (p *pulse) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if e2e.Err() == nil && isHeartbeat(key) {
		sent := time.Now().Add(-e2e.DurationE2E())
		if key == kmsg.JoinGroup.Int16() {
			sent = time.Now() // waits for the others; the session begins with the answer
		}
		if key == kmsg.ConsumerGroupHeartbeat.Int16() {
			p.consumer.Store(true)
		}
		p.last.Store(&sent)
	}
}

func isHeartbeat(key int16) bool {
	switch key {
	case kmsg.Heartbeat.Int16(), kmsg.ConsumerGroupHeartbeat.Int16(), kmsg.JoinGroup.Int16(), kmsg.SyncGroup.Int16():
		return true
	default:
		return false
	}
}

// silent tells whether the group may have given this member up.
func (p *pulse) silent() bool {
	last := p.last.Load()
	return last != nil && time.Since(*last) > p.limit
}

// guard gives up all partitions when the member was silent for too long, and has them taken up
// again when the group turns out to have waited.
func (m *member) guard(ctx context.Context) {
	for pause(ctx, max(m.pulse.limit/20, 10*time.Millisecond)) {
		if !m.gone() && slices.ContainsFunc(m.owned(), (*part).over) {
			m.disturb()
		}
	}
}

// gone tells whether the group may have given this member up. Then its partitions are given up
// before it returns, also those that guard never saw silent: messages that were held back would
// wait in them for ever.
func (m *member) gone() bool {
	silent := m.pulse.silent()
	if silent {
		m.lapse()
	}
	return silent
}

// lapse ends the contexts of running handlers and drops their results. The partitions stay
// listed: whether they are lost, the group will say.
func (m *member) lapse() {
	m.lapsing.Lock()
	defer m.lapsing.Unlock()
	ps := slices.DeleteFunc(m.owned(), (*part).over)
	if len(ps) > 0 {
		m.log.Error("no heartbeat was answered for longer than the session: others may own the partitions, stopping their handlers",
			"session_timeout", m.pulse.limit, "partitions", len(ps))
	}
	drop(ps)
}

// recover goes on with the partitions that were given up and are still this member's. It is for
// poll, with no messages in hand: those of after the gap would go to the new generation.
func (m *member) recover() {
	for _, p := range m.owned() {
		if !p.over() {
			continue
		}
		next := p.successor(m.engines[p.topic])
		if !m.replace(p, next) {
			next.gen.Drop() // it was lost
			continue
		}
		m.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{p.topic: {p.id: {Epoch: -1, Offset: next.next}}})
	}
}

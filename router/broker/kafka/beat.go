package kafka

import (
	"context"
	"time"
)

// beatEvery is how often a member says that it lives, and hears whether others came or went:
// with the heartbeats of Kafka's defaults (3 s, 5 s with the consumer protocol) a handler
// that does not return kept messages from another member for ten seconds and more.
const beatEvery = 500 * time.Millisecond

// heartbeat is the interval of the classic protocol.
func (b *Broker) heartbeat() time.Duration { return min(b.cfg.HeartbeatInterval, beatEvery) }

// beat makes up for the interval that servers of the consumer protocol choose. There the
// client sends a heartbeat at once when it is asked for a rebalance; in the classic protocol
// it would join anew.
func (m *member) beat(ctx context.Context) {
	for pause(ctx, beatEvery) {
		if m.pulse.consumer.Load() {
			m.cl.ForceRebalance()
		}
	}
}

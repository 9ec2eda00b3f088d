package e2e_test

import (
	"testing"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/routertest"
)

// What the stock adapters do not meet through any door, with the reasons that the reference gives.
var (
	saramaCannot = []routertest.Option{
		routertest.Cannot("different keys are handled side by side, up to the concurrency", "one message is in flight per partition"),
		routertest.Cannot("unordered messages without a key are handled side by side", "one message is in flight per partition"),
		routertest.Cannot("a key that waits stops nobody else", "one message is in flight per partition, also while it waits"),
		routertest.Cannot("nothing finished comes again after a stop while another key waits", "one message is in flight per partition, also while it waits"),
		routertest.Cannot("attempts are counted on after a restart", "the stock adapter keeps no attempts"),
	}
	redisstreamCannot = []routertest.Option{
		routertest.Cannot("different keys are handled side by side, up to the concurrency", "each member has one message in flight"),
		routertest.Cannot("unordered messages without a key are handled side by side", "each member has one message in flight"),
		routertest.Cannot("a key that waits stops nobody else", "each member has one message in flight, also while it waits"),
		routertest.Cannot("nothing finished comes again after a stop while another key waits", "each member has one message in flight, also while it waits"),
		routertest.Cannot("attempts are counted on after a restart", "the stock adapter keeps no attempts"),
	}
)

// TestDoors tries what handlers are promised through every door on every broker.
func TestDoors(t *testing.T) {
	t.Parallel()
	cannot := map[string][]routertest.Option{"sarama": saramaCannot, "redisstream": redisstreamCannot}
	for _, be := range backends() {
		t.Run(be.name, func(t *testing.T) {
			t.Parallel()
			routertest.Run(t, func(t testing.TB) broker.Broker {
				t.Helper()
				return be.open(t)
			}, cannot[be.name]...)
		})
	}
}

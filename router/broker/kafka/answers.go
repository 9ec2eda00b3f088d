package kafka

import (
	"maps"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answers counts how often each server has answered a fetch. It is a hook of a client.
type answers struct {
	mu sync.Mutex
	by answered
}

// answered is how often, by server.
type answered map[int32]int

var _ kgo.HookBrokerE2E = (*answers)(nil)

// OnBrokerE2E counts answered fetches.
func (a *answers) OnBrokerE2E(meta kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key != kmsg.Fetch.Int16() || e2e.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = answered{}
	}
	a.by[meta.NodeID]++
}

func (a *answers) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.by)
}

func (a *answers) all() answered {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.by)
}

// enough tells whether the leader has answered a fetch that began after the last call of
// forget: the first answer may be one to an earlier fetch.
func (a answered) enough(leader, _ int32, err error) bool { return err == nil && a[leader] > 1 }

package sarama

import (
	"sync/atomic"

	"github.com/IBM/sarama"

	"github.com/leat-go/leat/router/broker"
)

// partitioner puts keys where the other backends put them, and records without a key in
// turns on the partitions that can be written.
type partitioner struct{ next atomic.Uint32 }

var _ sarama.DynamicConsistencyPartitioner = (*partitioner)(nil)

func newPartitioner(string) sarama.Partitioner { return new(partitioner) }

func (p *partitioner) Partition(m *sarama.ProducerMessage, n int32) (int32, error) {
	if m.Key == nil {
		return int32(p.next.Add(1) % uint32(n)), nil //nolint:gosec // a partition count
	}
	key, err := m.Key.Encode()
	if err != nil {
		return 0, err
	}
	return broker.PartitionOf(key, int(n)), nil
}

func (*partitioner) RequiresConsistency() bool { return true }

// MessageRequiresConsistency tells that a key belongs to its partition even while that
// cannot be written.
func (*partitioner) MessageRequiresConsistency(m *sarama.ProducerMessage) bool { return m.Key != nil }

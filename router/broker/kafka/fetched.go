package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchedMemory is the memory of records that were taken over, for those that are fetched next.
type fetchedMemory struct{ batches sync.Pool } // of *[]kgo.Record

var _ kgo.PoolRecords = (*fetchedMemory)(nil)

// GetRecords returns room for a batch of n records.
func (m *fetchedMemory) GetRecords(n int) []kgo.Record {
	if rs, ok := m.batches.Get().(*[]kgo.Record); ok && cap(*rs) >= n {
		return (*rs)[:n]
	}
	return make([]kgo.Record, n)
}

// PutRecords takes a batch back of which all records were taken over.
func (m *fetchedMemory) PutRecords(rs []kgo.Record) { m.batches.Put(&rs) }

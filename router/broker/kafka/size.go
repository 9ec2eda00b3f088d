package kafka

import (
	"fmt"
	"math/bits"
	"strings"
	"sync"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

const (
	// deadLetterExtra is what a dead letter may be larger than its source.
	deadLetterExtra  = 64 << 10
	deadLetterSuffix = ".dlq"
	// batchOverhead is a batch on the wire without records, with its length before it.
	batchOverhead = 65
	// maxBatch is the most that franz-go takes for a batch.
	maxBatch = 1 << 30
)

func checkSize(cfg *settings.Kafka) error {
	if n := int64(cfg.MaxMessageBytes); n < 1024 || n > 64<<20 {
		return fmt.Errorf("kafka.max_message_bytes is %d: use something from 1KiB to 64MiB (set KAFKA_MAX_MESSAGE_BYTES)", n)
	}
	return nil
}

// extraBytes remembers the topics that take larger messages than others.
type extraBytes struct {
	mu sync.RWMutex
	m  map[string]int
}

func (e *extraBytes) set(topic string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.m == nil {
		e.m = map[string]int{}
	}
	e.m[topic] = n
}

func (e *extraBytes) of(topic string) int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if n, ok := e.m[topic]; ok {
		return n
	}
	if strings.HasSuffix(topic, deadLetterSuffix) {
		return deadLetterExtra
	}
	return 0
}

// batchLimit is the largest batch for a topic. It is a hard cap for the client: a batch that
// outgrows it is split, a single record that does is refused.
func (b *Broker) batchLimit(topic string) int32 {
	return int32(min(int64(b.cfg.MaxMessageBytes)+int64(b.extra.of(topic)), maxBatch)) //nolint:gosec // bounded
}

// batchSize is what a record takes on the wire when it is alone in its batch.
func batchSize(r *broker.Record) int {
	n := 4 // attributes, time and offset deltas of 0, count of headers below 64
	n += varintLen(len(r.Key)) + len(r.Key) + varintLen(len(r.Value)) + len(r.Value)
	if r.ID != "" {
		n += headerSize(len(idHeader), len(r.ID))
	}
	for _, h := range r.Headers {
		n += headerSize(len(h.Key), len(h.Value))
	}
	return batchOverhead + varintLen(n) + n
}

func headerSize(key, value int) int { return varintLen(key) + key + varintLen(value) + value }

// varintLen is the length of n as Kafka writes it: zigzag, seven bits a byte.
func varintLen(n int) int { return (bits.Len64(uint64(n)<<1|1) + 6) / 7 } //nolint:gosec // a length

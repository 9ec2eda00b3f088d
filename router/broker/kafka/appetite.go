package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchWait is how long a server keeps a fetch that it has nothing for. A partition whose pause has
// ended is in the next fetch only: as long its handlers may have nothing to do while the others are
// read to their end. It costs an idle client ten empty fetches a second from each server, where
// Kafka's own default of 500 ms costs two.
const fetchWait = 100 * time.Millisecond

// breather is how long polling waits for a partition at its bound. The client throws away
// what it has fetched of a partition that is paused, and fetches it again later, which may be
// fetchWait later: where handlers are fast it costs less to wait.
const breather = fetchWait / 2

// What a fetch of a partition may bring. At first it is little, so that the first message is soon in its
// handler. Fast handlers get much, so that they do not wait for the next fetch. Slow ones get what fits into
// the partition's part of the delivery engine's bounds: pausing a partition throws away what was fetched
// beyond them.
const (
	fetchMuch   = 1 << 20
	fetchLittle = 256 << 10
	fetchFirst  = 64 << 10
)

// fitFetches chooses what the next fetches bring. The client has one size for all partitions.
func (c *consumer) fitFetches() {
	most := int32(fetchMuch)
	if slices.ContainsFunc(c.owned(), func(p *part) bool { return p.slow.Load() }) {
		most = fetchLittle
	}
	c.cl.UpdateFetchMaxBytes(fetchMaxBytes, most)
}

// How far polling is ahead of the workers. What it has taken from the client waits in the engine, and is soon
// too much for the processor's caches; so the rest stays where it is until the engine demands it. But the last
// records that the client has are taken at once, since it fetches more only when it has none: the workers live
// on them meanwhile.
const (
	paceAbove  = 6000
	paceWithin = 4 * time.Millisecond // slow handlers hold up other topics for that long
)

// pace returns when an engine that was fed wants more.
func (c *consumer) pace(ctx context.Context, fed kgo.Fetches, left int64) {
	if left < paceAbove {
		return
	}
	within, cancel := context.WithTimeout(ctx, paceWithin)
	defer cancel()
	fed.EachTopic(func(t kgo.FetchTopic) {
		if e := c.engines[t.Topic]; e != nil {
			e.AwaitDemand(within)
		}
	})
}

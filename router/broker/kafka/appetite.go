package kafka

import "slices"

// What a fetch of a partition may bring. Fast handlers get much, so that they do not wait for the next
// fetch. Slow ones get what fits into the partition's share of the delivery engine's bounds: pausing a
// partition throws away what was fetched beyond them.
const (
	fetchMuch   = 1 << 20
	fetchLittle = 256 << 10
)

// fitFetches chooses what the next fetches bring. The client has one size for all partitions.
func (c *consumer) fitFetches() {
	most := int32(fetchMuch)
	if slices.ContainsFunc(c.owned(), func(p *part) bool { return p.slow.Load() }) {
		most = fetchLittle
	}
	c.cl.UpdateFetchMaxBytes(fetchMaxBytes, most)
}

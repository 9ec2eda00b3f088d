package avro

import (
	"sync"
	"sync/atomic"
)

// cache is a bounded map for many readers. When it is full it drops an entry that was not
// read since the hand came by last.
type cache[K comparable, V any] struct {
	mu    sync.RWMutex
	limit int
	items map[K]*cached[V]
	ring  []K
	hand  int
}

type cached[V any] struct {
	value V
	used  atomic.Bool
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, items: map[K]*cached[V]{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.RLock()
	item := c.items[key]
	c.mu.RUnlock()
	if item == nil {
		var zero V
		return zero, false
	}
	if !item.used.Load() {
		item.used.Store(true)
	}
	return item.value, true
}

// put keeps value and returns what is kept under key: the first one put wins.
func (c *cache[K, V]) put(key K, value V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if item := c.items[key]; item != nil {
		return item.value
	}
	c.add(key, value)
	return value
}

// set keeps value in place of what was kept before.
func (c *cache[K, V]) set(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items[key] != nil {
		c.items[key] = &cached[V]{value: value}
		return
	}
	c.add(key, value)
}

func (c *cache[K, V]) add(key K, value V) {
	if len(c.items) >= c.limit {
		c.ring[c.evict()] = key
	} else {
		c.ring = append(c.ring, key)
	}
	c.items[key] = &cached[V]{value: value}
}

// evict drops one entry and returns its place in the ring.
func (c *cache[K, V]) evict() int {
	for {
		place := c.hand
		c.hand = (c.hand + 1) % len(c.ring)
		if !c.items[c.ring[place]].used.Swap(false) {
			delete(c.items, c.ring[place])
			return place
		}
	}
}

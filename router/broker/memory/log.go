package memory

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// keep is how many records that every group has finished a partition keeps.
const keep = 10_000

type topic struct {
	name    string
	kind    topics.Kind
	parts   []*partition
	turn    int              // of the next record without a key
	history []*broker.Record // the newest records in the order of publishing
}

type partition struct {
	base   int64            // offset of records[0]
	log    []*broker.Record // nil where compacted
	latest map[string]int64 // of a State topic: offset by key
	grown  chan struct{}    // closed and replaced when a record comes
}

func newTopic(name string, kind topics.Kind, n int) *topic {
	t := &topic{name: name, kind: kind}
	for range n {
		t.parts = append(t.parts, &partition{latest: map[string]int64{}, grown: make(chan struct{})})
	}
	return t
}

func (t *topic) append(r *broker.Record) *broker.Record {
	i := t.partitionOf(r.Key)
	p := t.parts[i]
	c := *r
	c.Partition, c.Offset = i, strconv.FormatInt(p.end(), 10)
	c.Key, c.Value, c.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), r.Headers.Clone()
	if c.Time.IsZero() {
		c.Time = time.Now()
	}
	if t.kind == topics.KindState {
		p.compact(string(c.Key))
	}
	p.add(&c)
	t.remember(&c)
	return &c
}

func (p *partition) add(r *broker.Record) {
	p.log = append(p.log, r)
	close(p.grown)
	p.grown = make(chan struct{})
}

func (t *topic) remember(r *broker.Record) {
	if len(t.history) >= 2*keep {
		t.history = slices.Clone(t.history[keep:])
	}
	t.history = append(t.history, r)
}

func (t *topic) partitionOf(key []byte) int32 {
	if len(key) > 0 {
		return broker.PartitionOf(key, len(t.parts))
	}
	t.turn++
	return int32(t.turn % len(t.parts)) //nolint:gosec // a partition count
}

// compact removes the former record of a key that is about to be written again.
func (p *partition) compact(key string) {
	if old, ok := p.latest[key]; ok && old >= p.base {
		p.log[old-p.base] = nil
	}
	p.latest[key] = p.end()
}

func (p *partition) end() int64 { return p.base + int64(len(p.log)) }

// from returns at most n records at or after the offset, and the offset to go on at.
func (p *partition) from(offset int64, n int) (rs []*broker.Record, next int64) {
	next = max(offset, p.base)
	for next < p.end() && len(rs) < n {
		if r := p.log[next-p.base]; r != nil {
			rs = append(rs, r)
		}
		next++
	}
	return rs, next
}

// trims tells whether there is enough below the offset to forget some of it.
func (p *partition) trims(below int64) bool { return below-p.base >= 2*keep }

// trim forgets records below the offset but for the newest.
func (p *partition) trim(below int64) {
	if !p.trims(below) {
		return
	}
	cut := below - keep
	p.log = slices.Clone(p.log[cut-p.base:])
	p.base = cut
}

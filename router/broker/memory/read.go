package memory

import (
	"context"
	"iter"
	"slices"

	"github.com/leat-go/leat/router/broker"
)

// Read yields records without a group.
func (b *Broker) Read(ctx context.Context, o broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	return func(yield func(*broker.Record, error) bool) {
		at, end := b.bounds(o)
		for {
			rs, changed, over := b.readOnce(o, at, end)
			for _, r := range rs {
				if !yield(r, nil) {
					return
				}
			}
			if over {
				return
			}
			if len(rs) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// bounds returns where to begin and the ends of this moment.
func (b *Broker) bounds(o broker.ReadOptions) (at, end map[place]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, end = map[place]int64{}, map[place]int64{}
	for _, name := range o.Topics {
		for i, p := range b.topic(name).parts {
			w := place{name, int32(i)}
			at[w], end[w] = p.base, p.end()
			if o.Start == broker.StartLatest && o.Since.IsZero() {
				at[w] = p.end()
			}
		}
	}
	return at, end
}

func (b *Broker) readOnce(o broker.ReadOptions, at, end map[place]int64) (rs []*broker.Record, changed <-chan struct{}, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	over = true
	for w := range at {
		got, next := b.topics[w.topic].parts[w.partition].from(at[w], fetchSize)
		at[w] = next
		rs = append(rs, got...)
		over = over && (o.UntilEnd && next >= end[w] || late(o, got))
	}
	rs = slices.DeleteFunc(rs, func(r *broker.Record) bool {
		return r.Time.Before(o.Since) || !o.Until.IsZero() && r.Time.After(o.Until)
	})
	slices.SortStableFunc(rs, func(x, y *broker.Record) int { return x.Time.Compare(y.Time) })
	return rs, b.changed, over || b.closed
}

// late reports whether reading has passed the time to read until.
func late(o broker.ReadOptions, rs []*broker.Record) bool {
	return !o.Until.IsZero() && len(rs) > 0 && rs[len(rs)-1].Time.After(o.Until)
}

package redis

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// trailLength is how many ids a cursor remembers, for a server that takes over without them.
const trailLength = 1024

// cursor reads a stream without a group and keeps the position itself.
//
// A replica that takes its master's place may be without the newest entries, and its clock may be behind: what is
// written to it then has ids below those that were read. So where another server answers, the cursor goes on from the
// oldest id that it remembers and leaves out what it had. Entries are missed only if the new server was more than
// [trailLength] entries behind.
type cursor struct {
	b      *Broker
	stream string
	last   entryID // what was read, or where reading begins

	trail []entryID        // the newest ids that were read, in their order
	had   map[entryID]bool // what the server before gave; nil until there was another
	run   string           // the server's process; "" while it is not known
	asked time.Time        // when it was asked for
}

// next returns up to n entries, none at the end.
func (c *cursor) next(ctx context.Context, n int) ([]entry, error) {
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	for {
		entries, err := c.b.after(ctx, c.stream, c.last, n)
		if err != nil {
			c.asked = time.Time{} // it may be another server that answers next
			return nil, err
		}
		end := len(entries) == 0
		if entries = slices.DeleteFunc(entries, c.pass); end || len(entries) > 0 {
			return entries, nil
		}
	}
}

// pass goes past an entry and tells whether the server before gave it.
func (c *cursor) pass(e entry) bool {
	c.last = parseID(string(e.id))
	if c.had[c.last] {
		return true
	}
	if len(c.trail) == trailLength {
		c.trail = slices.Delete(c.trail, 0, trailLength/2)
	}
	c.trail = append(c.trail, c.last)
	return false
}

// look asks from time to time which server answers, and goes back where it is another.
func (c *cursor) look(ctx context.Context) error {
	if time.Since(c.asked) < topicAge {
		return nil
	}
	run := c.b.runID(ctx, c.stream)
	if c.run != "" && run != "" && run != c.run {
		if err := c.goBack(ctx); err != nil {
			return err
		}
	}
	c.run, c.asked = cmp.Or(run, c.run), time.Now()
	return nil
}

// goBack goes on from the oldest id of the trail, or from the end of a server that is behind even that.
func (c *cursor) goBack(ctx context.Context) error {
	newest, err := c.b.lastEntry(ctx, c.stream)
	if err != nil {
		return err
	}
	from := newest
	c.had = map[entryID]bool{}
	for _, id := range append(c.trail, c.last) {
		c.had[id] = true
		if id.compare(from) < 0 {
			from = id
		}
	}
	c.last = from
	return nil
}

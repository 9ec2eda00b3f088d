package redis

import (
	"context"
	"time"

	"github.com/leat-go/leat/topics"
)

// How often streams are trimmed: those of commands hold little but what is unfinished.
const (
	trimEvery = time.Minute
	trimSoon  = 5 * time.Second
)

// trimAfter is how long after the last time a topic is trimmed again.
func (t topic) trimAfter() time.Duration {
	if t.kind == topics.KindCommand {
		return trimSoon
	}
	return trimEvery
}

// trim removes what is older than the topic's retention, except for what a group that lives
// has not finished. Of commands it removes whatever the groups are done with. Topics that
// nobody registered, and states, are left alone.
func (b *Broker) trim(ctx context.Context, stream string, t topic) error {
	mode := ""
	if t.kind == topics.KindCommand {
		mode = "commands"
	}
	if !t.known || t.retention < 0 && mode == "" || t.kind == topics.KindState {
		return nil
	}
	now, err := b.now(ctx, stream)
	if err != nil {
		return err
	}
	alive := now.Add(-b.cfg.GroupExpiry).Unix()
	return trimScript.Run(ctx, b.client, []string{stream, side(stream, "groups")}, t.oldest(now).String(), alive, mode).Err()
}

// oldest is the id that the retention keeps and all after it.
func (t topic) oldest(now time.Time) entryID {
	if t.retention < 0 {
		return entryID{}
	}
	return entryID{ms: uint64(max(now.Add(-t.retention).UnixMilli(), 0))}
}

// alive notes that a group without leases lives, which has nobody who renews them.
func (o *owner) alive(ctx context.Context) error {
	now, err := o.in.m.b.now(ctx, o.keys.stream)
	if err != nil {
		return err
	}
	return o.client().HSet(ctx, o.keys.seen, o.in.m.group.Name, now.Unix()).Err()
}

package redis

import (
	"context"

	"github.com/leat-go/leat/topics"
)

// trim removes what is older than the topic's retention, except for what a group that lives
// has not finished. Topics that nobody registered, and states, are left alone.
func (b *Broker) trim(ctx context.Context, stream string, t topic) error {
	if !t.known || t.retention < 0 || t.kind == topics.KindState {
		return nil
	}
	now, err := b.now(ctx, stream)
	if err != nil {
		return err
	}
	oldest := entryID{ms: uint64(max(now.Add(-t.retention).UnixMilli(), 0))}
	alive := now.Add(-b.cfg.GroupExpiry).Unix()
	return trimScript.Run(ctx, b.client, []string{stream, side(stream, "groups")}, oldest.String(), alive).Err()
}

package redis

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// claimPage is how many entries one claim takes.
const claimPage = 100

// compete reads every partition together with all other members, as plain consumer groups
// do: there is no order. It takes part in partitions that the topic gets later, too.
func (in *intake) compete(ctx context.Context) {
	var trimmed time.Time
	for ctx.Err() == nil {
		t, err := in.m.b.topics.get(ctx, in.sub.Topic)
		if err == nil {
			err = in.grow(ctx, t.partitions)
		}
		if err == nil {
			in.joinAll(ctx)
			in.ready.Store(true)
		}
		if time.Since(trimmed) > trimEvery {
			trimmed = time.Now()
			in.trim(ctx)
		}
		_ = pause(ctx, roundLate)
	}
}

func (in *intake) joinAll(ctx context.Context) {
	for p := range in.count() {
		in.mu.Lock()
		_, has := in.owners[int32(p)]
		in.mu.Unlock()
		if !has {
			o := newOwner(in, int32(p))
			o.consumer = in.m.id
			o.begin(ctx, in.m.b.runID(ctx, o.keys.stream))
		}
	}
}

// claim takes over what dead members left and keeps what is in hand from being taken over.
func (o *owner) claim(ctx context.Context) {
	idle := o.in.m.b.cfg.ClaimIdle
	for pause(ctx, idle/3) == nil {
		err := o.touch(ctx)
		if err == nil {
			err = o.takeOver(ctx, idle)
		}
		if err == nil {
			err = o.bury(ctx, idle)
		}
		if err != nil && ctx.Err() == nil && !noGroup(err) {
			o.log.Debug("entries of dead members were not claimed", "error", err)
		}
	}
}

// touch resets the idle time of what is in hand.
func (o *owner) touch(ctx context.Context) error {
	ids := o.reader.inHandIDs()
	for len(ids) > 0 {
		n := min(len(ids), maxAcks)
		err := o.client().XClaimJustID(ctx, &redis.XClaimArgs{
			Stream: o.keys.stream, Group: o.in.m.group.Name, Consumer: o.consumer, Messages: ids[:n],
		}).Err()
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (o *owner) takeOver(ctx context.Context, idle time.Duration) error {
	state, err := o.client().HGetAll(ctx, o.keys.state).Result()
	if err != nil {
		return err
	}
	for from := "0-0"; ; {
		messages, next, err := o.client().XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: o.keys.stream, Group: o.in.m.group.Name, Consumer: o.consumer, MinIdle: idle, Start: from, Count: claimPage,
		}).Result()
		if err != nil {
			return err
		}
		o.reader.feedClaimed(toEntries(messages), state)
		if next == "0-0" || next == "" {
			return nil
		}
		if err := o.part.Wait(ctx); err != nil {
			return err
		}
		from = next
	}
}

// feedClaimed hands over what another member had, unless it is in hand here.
func (r *reader) feedClaimed(entries []entry, state map[string]string) {
	var fresh []dispatch.Entry[*broker.Record]
	r.mu.Lock()
	last := r.last
	for _, en := range entries {
		id := parseID(en.id)
		switch {
		case en.values == nil:
			r.o.acks.add(en.id)
		case !r.inHand(id):
			fresh = append(fresh, r.entry(en, id, state))
		}
	}
	r.last = last // claims are behind what is read
	r.mu.Unlock()
	if len(fresh) > 0 {
		r.o.log.Info("entries of a dead member taken over", "entries", len(fresh))
		r.o.part.Feed(fresh...)
	}
}

func (r *reader) inHandIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.open))
	for _, id := range r.open {
		ids = append(ids, id.String())
	}
	return ids
}

// bury removes members that are dead and have nothing pending.
func (o *owner) bury(ctx context.Context, idle time.Duration) error {
	consumers, err := o.client().XInfoConsumers(ctx, o.keys.stream, o.in.m.group.Name).Result()
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range consumers {
		if c.Name != o.consumer && c.Pending == 0 && c.Idle > 2*idle {
			errs = append(errs, buryScript.Run(ctx, o.client(), []string{o.keys.stream}, o.in.m.group.Name, c.Name).Err())
		}
	}
	return errors.Join(errs...)
}

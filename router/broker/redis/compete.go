package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// claimPage is how many entries one claim takes.
const claimPage = 100

// compete reads every partition together with all other members, as plain consumer groups
// do: there is no order. It takes part in partitions that the topic gets later, too.
func (in *intake) compete(ctx context.Context) {
	for ctx.Err() == nil {
		t, err := in.m.b.topics.get(ctx, in.sub.Topic)
		if err == nil {
			err = in.grow(ctx, t.partitions)
		}
		if err == nil {
			in.joinAll(ctx)
			err = cmp.Or(in.trouble(), in.writable(ctx))
		}
		in.hindered(ctx, err)
		in.settled(err == nil)
		in.trim(ctx)
		_ = pause(ctx, roundLate)
	}
}

// writable finds out whether the server takes what a member has to write: reading goes on where that fails.
func (in *intake) writable(ctx context.Context) error {
	in.mu.Lock()
	o := in.owners[0]
	in.mu.Unlock()
	if o == nil {
		return nil
	}
	return o.alive(ctx)
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

// stay keeps what is in hand from being taken over, however long it takes, and the group
// from counting as dead.
func (o *owner) stay(ctx context.Context) {
	idle := o.in.m.b.cfg.ClaimIdle
	for {
		err := errors.Join(o.alive(ctx), o.touch(ctx, 0))
		wait := idle / 3
		if err != nil && !noGroup(err) {
			wait = idle / 20
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// claim takes over what dead members left, and then removes them.
func (o *owner) claim(ctx context.Context) {
	idle := o.in.m.b.cfg.ClaimIdle
	for pause(ctx, idle/3) == nil {
		err := o.sinceNow(ctx)
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

// touch sets the idle time of what is in hand.
func (o *owner) touch(ctx context.Context, idle time.Duration) error {
	for ids := range slices.Chunk(o.reader.inHandIDs(), maxAcks) {
		args := []any{"XCLAIM", o.keys.stream, o.in.m.group.Name, o.consumer, 0}
		for _, id := range ids {
			args = append(args, id)
		}
		if err := o.client().Do(ctx, append(args, "IDLE", idle.Milliseconds(), "JUSTID")...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// retire lets others have at once what is left, and forgets this member if nothing is.
func (o *owner) retire(ctx context.Context) error {
	err := o.touch(ctx, o.in.m.b.cfg.ClaimIdle)
	if err == nil {
		err = o.buryOne(ctx, o.consumer)
	}
	if noGroup(err) {
		return nil
	}
	return err
}

// sinceNow has no entry be pending since a time to come, as it is where a server took over whose clock is behind: until
// then it would not count as idle.
func (o *owner) sinceNow(ctx context.Context) error {
	for from := "-"; from != ""; {
		next, err := sinceScript.Run(ctx, o.client(), []string{o.keys.stream}, o.in.m.group.Name, from, claimPage).Text()
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

func (o *owner) takeOver(ctx context.Context, idle time.Duration) error {
	state, err := o.client().HGetAll(ctx, o.keys.state).Result()
	if err != nil {
		return err
	}
	for from := "0-0"; ; {
		if err := o.part.Wait(ctx); err != nil {
			return err
		}
		ids, next, err := o.client().XAutoClaimJustID(ctx, &redis.XAutoClaimArgs{
			Stream: o.keys.stream, Group: o.in.m.group.Name, Consumer: o.consumer, MinIdle: idle, Start: from, Count: claimPage,
		}).Result()
		if err != nil {
			return err
		}
		entries, err := o.contents(ctx, ids)
		if err != nil {
			return err
		}
		o.reader.feedClaimed(entries, state)
		if next == "0-0" || next == "" {
			return nil
		}
		from = next
	}
}

// contents are the entries of ids, without values where one was deleted. Redis 6.2 does not
// say which of those that it gives to a consumer are.
func (o *owner) contents(ctx context.Context, ids []string) ([]entry, error) {
	pipe := o.client().Pipeline()
	cmds := make([]*redis.XMessageSliceCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.XRevRangeN(ctx, o.keys.stream, id, id, 1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	entries := make([]entry, len(ids))
	for i, cmd := range cmds {
		entries[i].id = []byte(ids[i])
		for _, m := range cmd.Val() {
			entries[i].fields = fieldsOf(m.Values)
		}
	}
	return entries, nil
}

// feedClaimed hands over what another member had, unless it is in hand here.
func (r *reader) feedClaimed(entries []entry, state map[string]string) {
	f := feeding{r: r, state: state, claimed: true}
	for i := range entries {
		f.add(&entries[i])
	}
	f.feed()
	if n := len(f.fresh); n > 0 {
		r.o.log.Info("entries of a dead member taken over", "entries", n)
	}
}

func (r *reader) inHandIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, id := range r.open.all {
		ids = append(ids, id.String())
	}
	return ids
}

// bury removes members that are dead and have nothing pending: a living one reads every
// second. One that comes back all the same is registered again by what it reads.
func (o *owner) bury(ctx context.Context, idle time.Duration) error {
	consumers, err := o.client().XInfoConsumers(ctx, o.keys.stream, o.in.m.group.Name).Result()
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range consumers {
		if c.Name != o.consumer && c.Pending == 0 && c.Idle > 2*idle {
			errs = append(errs, o.buryOne(ctx, c.Name))
		}
	}
	return errors.Join(errs...)
}

func (o *owner) buryOne(ctx context.Context, name string) error {
	return buryScript.Run(ctx, o.client(), []string{o.keys.stream}, o.in.m.group.Name, name).Err()
}

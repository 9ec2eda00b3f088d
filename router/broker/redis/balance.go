package redis

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// handover is how long the handlers of a partition may go on when another member is to
	// have it.
	handover = 15 * time.Second
	// Rounds of balancing: often while this member waits for partitions of its own.
	roundSoon, roundLate = 100 * time.Millisecond, time.Second
)

// balance shares the partitions of the topic out until ctx ends.
func (in *intake) balance(ctx context.Context) {
	for ctx.Err() == nil {
		wait := in.round(ctx)
		in.trim(ctx)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-in.kick:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// round takes and gives what the plan says and returns when the next one is due.
func (in *intake) round(ctx context.Context) time.Duration {
	late := min(roundLate, in.m.b.cfg.Lease/3)
	plan, err := in.plan(ctx)
	if err != nil {
		if ctx.Err() == nil {
			in.m.log.Debug("partitions could not be shared out", "topic", in.sub.Topic, "error", err)
		}
		in.m.failIf(ctx, denied(err), in.sub.Topic, err)
		in.hindered(ctx, err)
		in.settled(false)
		return min(late, 250*time.Millisecond)
	}
	for _, p := range plan.give {
		in.give(ctx, p)
	}
	missing := 0
	for _, p := range plan.take {
		if !in.take(ctx, p) {
			missing++
		}
	}
	in.settled(in.owned() > 0 || len(plan.take) == 0)
	if missing > 0 {
		return min(late, roundSoon)
	}
	return late
}

func (in *intake) owned() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.owners)
}

func (in *intake) take(ctx context.Context, p int32) bool {
	in.mu.Lock()
	_, mine := in.owners[p]
	in.mu.Unlock()
	if mine {
		return true
	}
	o, err := in.acquire(ctx, p)
	if err != nil || o == nil {
		in.hindered(ctx, err)
		in.m.failIf(ctx, denied(err), in.sub.Topic, err)
		return false
	}
	if !o.begin(ctx, in.m.b.runID(ctx, o.keys.stream)) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = o.giveBack(ctx)
	}
	return true
}

// give hands a partition over, without holding up the others.
func (in *intake) give(ctx context.Context, p int32) {
	in.mu.Lock()
	defer in.mu.Unlock()
	o := in.owners[p]
	if o == nil || o.leaving || in.closed {
		return
	}
	o.leaving = true
	in.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handover)
		defer cancel()
		_ = o.release(ctx)
	})
}

// plan says what this member should take and give.
type plan struct{ take, give []int32 }

func (in *intake) plan(ctx context.Context) (plan, error) {
	b := in.m.b
	t, err := b.topics.get(ctx, in.sub.Topic)
	if err != nil {
		return plan{}, err
	}
	if err := in.grow(ctx, t.partitions); err != nil {
		return plan{}, err
	}
	members, err := heartbeatScript.Run(ctx, b.client, []string{in.membersKey()}, in.m.id, b.cfg.Lease.Milliseconds()).StringSlice()
	if err != nil {
		return plan{}, err
	}
	holders, err := in.holders(ctx, t.partitions)
	if err != nil {
		return plan{}, err
	}
	return share(in.m.id, members, in.forget(holders)), nil
}

// forget takes leases of this member for free that it does not know of any more: those that
// ran out by its clock, and those whose granting was not heard.
func (in *intake) forget(holders []string) []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	for p, h := range holders {
		if _, ok := in.owners[int32(p)]; !ok && h == in.m.id {
			holders[p] = ""
		}
	}
	return holders
}

// grow creates the group on partitions that the topic got since.
func (in *intake) grow(ctx context.Context, partitions int) error {
	in.mu.Lock()
	had := in.partitions
	in.mu.Unlock()
	for p := had; p < partitions; p++ {
		if err := in.m.createGroup(ctx, stream(in.sub.Topic, int32(p)), "0"); err != nil { //nolint:gosec // a small count
			return err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partitions = max(had, partitions)
	return nil
}

// holders returns who holds the lease of each partition, "" for nobody.
func (in *intake) holders(ctx context.Context, partitions int) ([]string, error) {
	pipe := in.m.b.client.Pipeline()
	cmds := make([]*redis.StringCmd, partitions)
	for p := range cmds {
		cmds[p] = pipe.Get(ctx, keysOf(stream(in.sub.Topic, int32(p)), in.m.group.Name).lease)
	}
	_, _ = pipe.Exec(ctx)
	holders := make([]string, partitions)
	for p, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		holders[p], _, _ = strings.Cut(c.Val(), ":")
	}
	return holders, nil
}

// share plans for one member: partitions are spread evenly, and what is held stays where it
// is as far as that allows. All members that see the same come to plans that fit together.
func share(me string, members, holders []string) plan {
	held := map[string][]int32{}
	for p, h := range holders {
		held[h] = append(held[h], int32(p))
	}
	quota := quotas(members, held, len(holders))
	var pl plan
	mine := held[me]
	if len(mine) > quota[me] {
		pl.give = mine[quota[me]:]
		return pl
	}
	pl.take = wanted(me, members, held, quota)
	return pl
}

// quotas are how many partitions each member should have; who holds more gets what cannot
// be divided.
func quotas(members []string, held map[string][]int32, partitions int) map[string]int {
	order := slices.Clone(members)
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(held[b]), len(held[a])), cmp.Compare(a, b))
	})
	quota := map[string]int{}
	for i, m := range order {
		quota[m] = partitions / len(order)
		if i < partitions%len(order) {
			quota[m]++
		}
	}
	return quota
}

// wanted are the partitions that a member lacks: first of those that nobody holds, then of
// those that others have too many of.
func wanted(me string, members []string, held map[string][]int32, quota map[string]int) []int32 {
	free := slices.Clone(held[""])
	for _, m := range slices.Sorted(maps.Keys(held)) {
		if m != "" && len(held[m]) > quota[m] {
			free = append(free, held[m][quota[m]:]...)
		}
	}
	for _, m := range slices.Sorted(slices.Values(members)) {
		n := min(max(quota[m]-len(held[m]), 0), len(free))
		if m == me {
			return free[:n]
		}
		free = free[n:]
	}
	return nil
}

// trim removes what is too old from the partitions in hand, from time to time.
func (in *intake) trim(ctx context.Context) {
	t := in.m.b.topics.last(in.sub.Topic)
	if time.Since(in.trimmed) < t.trimAfter() {
		return
	}
	in.trimmed = time.Now()
	in.mu.Lock()
	var owned []*owner
	for _, o := range in.owners {
		owned = append(owned, o)
	}
	in.mu.Unlock()
	for _, o := range owned {
		if err := in.m.b.trim(ctx, o.keys.stream, t); err != nil && ctx.Err() == nil {
			o.log.Warn("stream was not trimmed", "error", err)
		}
	}
}

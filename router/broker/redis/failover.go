package redis

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// A replica that takes its master's place may be behind it: what was acknowledged is pending again there, what was
// delivered is delivered again, and new entries may get ids below those that were seen.

// doubtful makes the reader ask which server it reads from.
func (r *reader) doubtful() { r.doubt.Store(true) }

// watch wakes a reader that has not noticed that another server took over.
func (r *reader) watch(ctx context.Context) {
	if run := r.o.in.m.b.runID(ctx, r.o.keys.stream); run != "" && run != r.server() {
		r.doubtful()
		notify(r.kick)
	}
}

// reconcile brings what is known here together with a server that took the place of the one that was read from.
// Competing members each have a part of what is pending only, and claim the rest.
func (r *reader) reconcile(ctx context.Context) error {
	if !r.doubt.Load() {
		return nil
	}
	m, s := r.o.in.m, r.o.keys.stream
	run := m.b.runID(ctx, s)
	if run == "" || run == r.server() || r.o.competes() {
		r.doubt.Store(false)
		return nil
	}
	known, ok, err := m.lastDelivered(ctx, s)
	if err != nil || !ok { // no group: reading says so
		return err
	}
	if err := r.repeatAcks(ctx); err != nil {
		return err
	}
	r.adopt(run, known)
	r.doubt.Store(false)
	return nil
}

func (r *reader) server() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.run
}

// repeatAcks acknowledges again what is finished and pending. Everything that is pending up to the last id
// was fed once, by this owner or one before.
func (r *reader) repeatAcks(ctx context.Context) error {
	for from := "-"; ; {
		pending, err := r.o.client().XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: r.o.keys.stream, Group: r.o.in.m.group.Name, Start: from, End: r.fed().String(), Count: maxAcks,
		}).Result()
		if err != nil || len(pending) == 0 {
			return err
		}
		r.o.acks.add(r.notInHand(pending)...)
		from = "(" + pending[len(pending)-1].ID
	}
}

func (r *reader) notInHand(pending []redis.XPendingExt) (ids []string) {
	for _, p := range pending {
		if !r.inHand(parseID(p.ID)) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// adopt goes on where the group is on the new server: ids above tell nothing about what is finished, but those in
// hand are left alone.
func (r *reader) adopt(run string, known entryID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.former = later(r.former, r.last)
	if known.compare(r.last) < 0 {
		r.last, r.resume = known, entryID{}
	}
	r.run = run
	r.o.log.Warn("another redis server took over", "stream", r.o.keys.stream, "from", known.String())
}

// again tells that an entry comes a second time, from another server, and is still in hand. Only who reads asks.
func (r *reader) again(id entryID) bool { return id.compare(r.former) <= 0 && r.inHand(id) }

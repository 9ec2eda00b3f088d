package chaos

import (
	"context"
	"errors"
	"time"
)

// storms is how often a member joins or leaves in a storm.
const storms = 60

// killMembers kills two members one after the other and starts others in their place.
func killMembers(ctx context.Context, r *run) error {
	for range 2 {
		if err := r.fleet.kill(r.take()); err != nil {
			return err
		}
		if err := wait(ctx, 3*time.Second); err != nil {
			return err
		}
		if err := r.join(ctx); err != nil {
			return err
		}
		if err := wait(ctx, 4*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// stopMembers replaces each member, in order.
func stopMembers(ctx context.Context, r *run) error {
	for range members {
		r.noteStop(r.fleet.stop(r.take()))
		if err := r.join(ctx); err != nil {
			return err
		}
		if err := wait(ctx, 3*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// rollingRestart replaces every member in the order in which they came, twice: first a member leaves before
// the next one comes, then after that.
func rollingRestart(ctx context.Context, r *run) error {
	leave := func(context.Context) error { r.noteStop(r.fleet.stop(r.oldest())); return nil }
	for _, steps := range [][]func(context.Context) error{{leave, r.join}, {r.join, leave}} {
		for range members {
			for _, step := range steps {
				if err := errors.Join(step(ctx), wait(ctx, 3*time.Second)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// storm lets a member join or leave every 2 s.
func storm(ctx context.Context, r *run) error {
	for i := range storms {
		if i%2 == 0 {
			if err := r.join(ctx); err != nil {
				return err
			}
		} else {
			r.noteStop(r.fleet.stop(r.take()))
		}
		if err := wait(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// pauseMember stops a member's clockwork, so that it wakes in the belief that no time has passed.
func pauseMember(d time.Duration) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		m := r.members[r.rng.IntN(len(r.members))]
		if err := r.fleet.freeze(m); err != nil {
			return err
		}
		return errors.Join(wait(ctx, d), r.fleet.thaw(m))
	}
}

// cut takes the network away.
func cut(d time.Duration) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		r.servers.link.cut()
		return errors.Join(wait(ctx, d), r.servers.link.mend())
	}
}

// slow delays every answer by 100 to 300 ms.
func slow(d time.Duration) func(context.Context, *run) error {
	return spoil(d, func(ctx context.Context, l *link) (func() error, error) { return l.slow(ctx, fromServer, 200, 100) })
}

// hold keeps back what is said in one direction for as long as it lasts: nothing is lost, as with TCP.
func hold(s stream, d time.Duration) func(context.Context, *run) error {
	return spoil(d, func(ctx context.Context, l *link) (func() error, error) {
		return l.slow(ctx, s, int(d.Milliseconds()), 0)
	})
}

// narrow leaves each connection so many kilobytes a second in one direction.
func narrow(s stream, rate int, d time.Duration) func(context.Context, *run) error {
	return spoil(d, func(ctx context.Context, l *link) (func() error, error) { return l.narrow(ctx, s, rate) })
}

// spoil does something to the link and undoes it later.
func spoil(d time.Duration, do func(context.Context, *link) (func() error, error)) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		undo, err := do(ctx, r.servers.link)
		if err != nil {
			return err
		}
		return errors.Join(wait(ctx, d), undo())
	}
}

// killNode kills a node of Kafka and starts it again after 3 s.
func killNode(node int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		if err := r.servers.kafka.Kill(node); err != nil {
			return err
		}
		return errors.Join(wait(ctx, 3*time.Second), r.servers.kafka.Restart(ctx, node))
	}
}

// cutNode takes a node of Kafka away from the others for 15 s. Clients reach it as before.
func cutNode(node int) func(context.Context, *run) error {
	return cutWays(func(w *wire) bool { return w.from == node || w.to == node })
}

// cutBetween takes two nodes of Kafka away from each other; both reach the third.
func cutBetween(a, b int) func(context.Context, *run) error {
	return cutWays(func(w *wire) bool { return w.from == a && w.to == b || w.from == b && w.to == a })
}

func cutWays(of func(*wire) bool) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		for _, w := range r.servers.ways {
			if of(w) {
				w.cut()
			}
		}
		err := wait(ctx, 15*time.Second)
		for _, w := range r.servers.ways {
			if of(w) {
				err = errors.Join(err, w.mend())
			}
		}
		return err
	}
}

// killRedis kills Redis and starts it again after 2 s.
func killRedis(ctx context.Context, r *run) error {
	if err := r.servers.redis.Kill(); err != nil {
		return err
	}
	return errors.Join(wait(ctx, 2*time.Second), r.servers.redis.Restart(ctx))
}

// fillDisk leaves a server no room, and starts it again with room if it gave up.
func fillDisk(d time.Duration) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		if err := r.servers.disk.fill(); err != nil {
			return err
		}
		err := errors.Join(wait(ctx, d), r.servers.disk.empty())
		if r.servers.kafka != nil {
			return errors.Join(err, r.servers.kafka.Restart(ctx, 1))
		}
		return errors.Join(err, r.servers.redis.Restart(ctx))
	}
}

// spoilRegistry replaces a member, whose successor then has to ask a registry that does not answer well.
func spoilRegistry(m mood, d time.Duration) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		r.servers.front.be(m)
		defer r.servers.front.be(well)
		r.noteStop(r.fleet.stop(r.take()))
		if err := r.join(ctx); err != nil {
			return err
		}
		return wait(ctx, d)
	}
}

// flushRedis empties Redis.
func flushRedis(ctx context.Context, r *run) error {
	return r.withRedis(func(c redisClient) error { return c.FlushAll(ctx).Err() })
}

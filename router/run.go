package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Run connects, creates or checks the topics, joins the groups and delivers until ctx ends;
// then it stops in order: no new messages, running handlers finish within
// Conventions.ShutdownTimeout, outputs are flushed, finished work is committed, the groups
// are left. It returns nil after a stop in order, else why the router could not go on. A
// router runs once.
func (r *Router) Run(ctx context.Context) error {
	if err := r.Validate(); err != nil {
		return err
	}
	err := errors.New("a router runs once")
	r.runOnce.Do(func() { err = r.run(ctx) })
	return err
}

// Running is closed when the router has joined all groups.
func (r *Router) Running() <-chan struct{} { return r.running }

// Ready returns nil when the router runs, has its partitions, and nothing holds it up.
func (r *Router) Ready() error {
	ms := r.members.Load()
	if ms == nil {
		return errors.New("not started")
	}
	for _, m := range *ms {
		if err := broker.NotReady(m); err != nil {
			return err
		}
	}
	if err := r.codecsReady(); err != nil {
		return err
	}
	if r.counters.degraded.Load() > 0 {
		return errors.New("outputs or handlers are held up: see the log")
	}
	return nil
}

// codecsReady names a schema registry that does not answer.
func (r *Router) codecsReady() error {
	for _, format := range slices.Sorted(maps.Keys(r.codecs)) {
		if c, ok := r.codecs[format].(codec.Prober); ok {
			if err := c.Ready(); err != nil {
				return fmt.Errorf("%s messages wait: %w", format, err)
			}
		}
	}
	return nil
}

func (r *Router) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	ms, err := r.join(ctx)
	if err != nil {
		return errors.Join(err, r.leave(ms)) //nolint:contextcheck // leaving has a time of its own
	}
	r.members.Store(&ms)
	close(r.running)
	err = r.await(ctx, ms)
	r.members.Store(nil)
	return errors.Join(err, r.leave(ms)) //nolint:contextcheck // leaving has a time of its own
}

// prepare does what must succeed before anything is delivered, what needs no server beside the rest.
func (r *Router) prepare(ctx context.Context) error {
	var wg sync.WaitGroup
	var named error
	wg.Go(func() { named = r.name(ctx) })
	err := r.prepareBroker(ctx)
	wg.Wait()
	return cmp.Or(err, named)
}

func (r *Router) prepareBroker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.conv.StartTimeout)
	defer cancel()
	if err := r.broker.Connect(ctx); err != nil {
		return err
	}
	if err := reach(ctx, r.prepareTopics); err != nil {
		return err
	}
	r.prepareCodecs(ctx)
	return nil
}

// reachPause is how soon a broker that went away is asked again.
const reachPause = 250 * time.Millisecond

// reach repeats do until a broker that went away answers again or ctx ends.
func reach(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if !errors.Is(err, broker.ErrUnreachable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(reachPause):
		}
	}
}

// preparer is a codec that profits from meeting its subjects early.
type preparer interface {
	Prepare(ctx context.Context, s codec.Subject) error
}

// prepareCodecs warms up: a registry that is away now may be back for the first message.
func (r *Router) prepareCodecs(ctx context.Context) {
	for _, s := range r.Topics() {
		p, ok := r.codecs[s.Format].(preparer)
		if !ok || s.Format != topics.Avro {
			continue
		}
		for _, one := range s.Each() {
			if err := p.Prepare(ctx, subject(one)); err != nil {
				r.log.Warn("schema not prepared", slog.String("topic", s.Name), slog.String("error", errorText(err)))
			}
		}
	}
	r.prepareKeys(ctx)
}

// groups collects the handlers of each group: one member serves them all.
func (r *Router) groups() (gs []broker.Group) {
	at := map[string]int{}
	for _, h := range r.handlers {
		i, ok := at[h.info.Group]
		if !ok || h.cfg.broadcast {
			i = len(gs)
			gs = append(gs, broker.Group{Name: h.info.Group, Broadcast: h.cfg.broadcast})
			if !h.cfg.broadcast {
				at[h.info.Group] = i
			}
		}
		gs[i].Subscriptions = append(gs[i].Subscriptions, h.subscription())
	}
	return gs
}

func (r *Router) join(ctx context.Context) (ms []broker.Member, err error) {
	for _, g := range r.groups() {
		m, err := r.broker.Join(ctx, g)
		if err != nil {
			return ms, fmt.Errorf("join group %s: %w", g.Name, err)
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// await returns when ctx ends, or with the error of the first member that failed.
func (r *Router) await(ctx context.Context, ms []broker.Member) error {
	failed := make(chan error, len(ms))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, m := range ms {
		wg.Go(func() {
			select {
			case err := <-m.Failed():
				failed <- err
			case <-stop:
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// leave closes the members together, then flushes.
func (r *Router) leave(ms []broker.Member) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.conv.ShutdownTimeout)
	defer cancel()
	errs := make([]error, len(ms))
	var wg sync.WaitGroup
	for i, m := range ms {
		wg.Go(func() { errs[i] = m.Close(ctx) })
	}
	wg.Wait()
	errs = append(errs, r.broker.Outputs().Flush(ctx), r.broker.Sends().Flush(ctx))
	return errors.Join(errs...)
}

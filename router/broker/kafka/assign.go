package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// assigned is called after each rebalance, with what is new. Positions come after it.
func (m *member) assigned(ctx context.Context, _ *kgo.Client, added map[string][]int32) {
	<-m.begun
	if len(added) > 0 {
		m.surveyEarly(ctx, slices.Sorted(maps.Keys(added)))
	}
	m.state.Lock()
	defer m.state.Unlock()
	m.state.joined = true
	for topic, ids := range added {
		for _, id := range ids {
			m.state.pending[place{topic, id}] = true
		}
	}
}

// adjust finds where each new partition goes on and makes it ready to be fed, before the
// client fetches from it.
func (m *member) adjust(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	ps, err := m.positionsOf(ctx, offsets)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		offsets[p.topic][p.id] = kgo.NewOffset().At(p.next)
		m.own(p)
	}
	m.settled(ps)
	m.commitSoon() // where it has chosen
	return offsets, nil
}

func (m *member) positionsOf(ctx context.Context, offsets map[string]map[int32]kgo.Offset) ([]*part, error) {
	for {
		ps, err := m.starts(ctx, offsets)
		switch {
		case err == nil:
			return ps, nil
		case errors.Is(err, broker.ErrNoStart):
			m.fail(err)
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		m.trouble.say("cannot find where to go on", "error", err)
		if !pause(ctx, 500*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

func (m *member) settled(ps []*part) {
	m.state.Lock()
	defer m.state.Unlock()
	for _, p := range ps {
		delete(m.state.pending, p.place)
		delete(m.state.recreated, p.topic)
	}
}

func (m *member) forget(lost map[string][]int32) {
	m.state.Lock()
	defer m.state.Unlock()
	for topic, ids := range lost {
		for _, id := range ids {
			delete(m.state.pending, place{topic, id})
		}
	}
}

// revoked gives partitions away in order: handlers that run may end, what is finished is
// committed, then the group may give them to others.
func (m *member) revoked(ctx context.Context, _ *kgo.Client, lost map[string][]int32) {
	m.forget(lost)
	ps := m.take(lost)
	if len(ps) == 0 {
		return
	}
	m.fitFetches()
	m.revokeAll(ctx, ps)
	within, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	if err := m.commitParts(within, ps); err != nil {
		m.log.Warn("commit of revoked partitions: their messages since the last commit come again", "error", err)
	}
}

func (m *member) revokeAll(ctx context.Context, ps []*part) {
	within, cancel := context.WithTimeout(ctx, revokeWithin)
	defer cancel()
	var wg sync.WaitGroup
	for _, p := range ps {
		if !p.over() {
			wg.Go(func() { p.gen.Revoke(within) })
		}
	}
	wg.Wait()
}

// lost gives up partitions that others own already.
func (m *member) lost(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	m.forget(lost)
	ps := m.take(lost)
	if len(ps) > 0 {
		m.log.Warn("the group gave this member's partitions away", "partitions", len(ps))
		m.fitFetches()
	}
	drop(ps)
}

// noStart is the error of a group that must not choose where to begin.
func (m *member) noStart(at place, why string) error {
	return fmt.Errorf("group %s, topic %s, partition %d: %s (set KAFKA_AUTO_OFFSET_RESET, or commit a position with leat groups reset): %w",
		m.group.Name, at.topic, at.id, why, broker.ErrNoStart)
}

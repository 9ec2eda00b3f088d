package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
)

const (
	// consumer is the one name under which all members of a group read.
	consumer = "leat"
	// startWindow is how long members that join one after the other count as the same
	// start of a new group.
	startWindow = 30 * time.Second
)

// createGroups creates the group on the streams of a topic that have none. Where it starts
// is asked only when no stream has it; streams that came later start at their beginning.
func (m *member) createGroups(ctx context.Context, name string, partitions int, start broker.Start) error {
	missing, err := m.missing(ctx, name, partitions)
	if err != nil || len(missing) == 0 {
		return err
	}
	isNew := len(missing) == partitions
	if isNew && start == broker.StartNone {
		return fmt.Errorf("group %s on topic %s: %w", m.group.Name, name, broker.ErrNoStart)
	}
	from, err := m.startOf(ctx, name, isNew, start)
	if err != nil {
		return err
	}
	for _, s := range missing {
		if err := m.createGroup(ctx, s, from); err != nil {
			return err
		}
	}
	return nil
}

// startOf resolves the start. Members of a group that is just being created agree by a mark.
func (m *member) startOf(ctx context.Context, name string, isNew bool, start broker.Start) (string, error) {
	mark := side(name, "starting:"+m.group.Name)
	if isNew && start == broker.StartLatest {
		return "$", m.b.client.SetNX(ctx, mark, "$", startWindow).Err()
	}
	from, err := m.b.client.Get(ctx, mark).Result()
	if errors.Is(err, redis.Nil) || isNew {
		return "0", nil
	}
	return from, err
}

func (m *member) createGroup(ctx context.Context, stream, from string) error {
	err := m.b.client.XGroupCreateMkStream(ctx, stream, m.group.Name, from).Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("create group %s on stream %s: %w", m.group.Name, stream, err)
	}
	return nil
}

func (m *member) missing(ctx context.Context, name string, partitions int) (streams []string, err error) {
	for p := range partitions {
		s := stream(name, int32(p))
		_, ok, err := m.lastDelivered(ctx, s)
		if err != nil {
			return nil, err
		}
		if !ok {
			streams = append(streams, s)
		}
	}
	return streams, nil
}

// lastDelivered returns the id up to which the group was read, and whether it exists.
func (m *member) lastDelivered(ctx context.Context, stream string) (entryID, bool, error) {
	groups, err := m.b.client.XInfoGroups(ctx, stream).Result()
	if err != nil && strings.Contains(err.Error(), "no such key") {
		return entryID{}, false, nil
	}
	for _, g := range groups {
		if g.Name == m.group.Name {
			return parseID(g.LastDeliveredID), true, nil
		}
	}
	return entryID{}, false, err
}

// runID names the process of the server that has a stream; "" when it cannot be known.
// Another id may mean another clock, and entry ids are the clock.
func (b *Broker) runID(ctx context.Context, stream string) string {
	server, err := b.at(ctx, stream)
	if err != nil {
		return ""
	}
	info, err := server.Info(ctx, "server").Result()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(line, "run_id:"); ok {
			return strings.TrimSpace(id)
		}
	}
	return ""
}

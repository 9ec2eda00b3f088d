package redis

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

func TestTrimmingKeepsWhatLivingGroupsNeed(t *testing.T) {
	t.Parallel()
	b := openInside(t)
	now := time.Now()
	event := topic{known: true, partitions: 1, retention: time.Hour}
	command := topic{known: true, kind: topics.KindCommand, retention: 24 * time.Hour}
	old := topic{known: true, kind: topics.KindCommand, retention: time.Hour}
	dead := now.Add(-30 * 24 * time.Hour)
	for name, test := range map[string]struct {
		topic topic
		// How far the group got: the first entry is pending, so many of 1000 are given away.
		pending bool
		read    int64
		seen    time.Time
		want    int64 // entries of 1000
		exact   bool
	}{
		"old entries go":                           {topic: event, want: 0},
		"a state is not trimmed":                   {topic: topic{known: true, kind: topics.KindState, retention: time.Hour}, want: 1000, exact: true},
		"nor what nobody registered":               {topic: topic{retention: time.Hour}, want: 1000, exact: true},
		"nor what is kept for ever":                {topic: topic{known: true, retention: -1}, want: 1000, exact: true},
		"nor what a living group has pending":      {topic: event, pending: true, read: 1000, seen: now, want: 1000, exact: true},
		"nor what it has not read":                 {topic: event, read: 300, seen: now, want: 700},
		"a group that died long ago keeps nothing": {topic: event, pending: true, read: 1, seen: dead, want: 0},

		"commands go that are finished":                     {topic: command, read: 300, seen: now, want: 700, exact: true},
		"all of them, if all are":                           {topic: command, read: 1000, seen: now, want: 0, exact: true},
		"for ever kept ones too":                            {topic: topic{known: true, kind: topics.KindCommand, retention: -1}, read: 300, seen: now, want: 700, exact: true},
		"not those behind an unfinished one":                {topic: command, pending: true, read: 300, seen: now, want: 1000, exact: true},
		"not unfinished ones past the retention":            {topic: old, read: 300, seen: now, want: 700, exact: true},
		"commands go that a dead group has finished":        {topic: command, read: 300, seen: dead, want: 700, exact: true},
		"and what it has not, past the retention":           {topic: old, read: 300, seen: dead, want: 0, exact: true},
		"what a group has not that nobody has seen is kept": {topic: command, read: 300, want: 700, exact: true},
	} {
		s := testservers.Unique(t, "trim")
		fill(t, b, s, now.Add(-2*time.Hour), test.read, test.pending)
		if !test.seen.IsZero() {
			b.client.HSet(t.Context(), side(s, "groups"), "g", test.seen.Unix())
		}
		if err := b.trim(t.Context(), s, test.topic); err != nil {
			t.Fatal(err)
		}
		n := b.client.XLen(t.Context(), s).Val()
		if test.exact && n != test.want || n < test.want || n > test.want+200 { // trimming works by nodes of 100 entries
			t.Errorf("%s: %d entries are left", name, n)
		}
	}
}

func TestCommandsWithoutAGroupAreTrimmedByAge(t *testing.T) {
	t.Parallel()
	b := openInside(t)
	command := topic{known: true, kind: topics.KindCommand, retention: time.Hour}
	for age, want := range map[time.Duration]int64{2 * time.Hour: 0, time.Minute: 1000} {
		s := testservers.Unique(t, "trim")
		fill(t, b, s, time.Now().Add(-age), 0, false)
		b.client.XGroupDestroy(t.Context(), s, "g")
		if err := b.trim(t.Context(), s, command); err != nil {
			t.Fatal(err)
		}
		if n := b.client.XLen(t.Context(), s).Val(); n != want {
			t.Errorf("%d commands of %v ago are left", n, age)
		}
	}
}

// openInside is a broker on a Redis server.
func openInside(t *testing.T) *Broker {
	t.Helper()
	b, err := New(settings.Redis{URL: settings.URL(testservers.RedisFor(t).URL())}, Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

// fill adds 1000 entries of that time, of which so many are read. They are finished, but for
// the first one if it is pending.
func fill(t *testing.T, b *Broker, stream string, at time.Time, read int64, pending bool) {
	t.Helper()
	pipe := b.client.Pipeline()
	var ids []string
	for i := range 1000 {
		id := entryID{ms: uint64(at.UnixMilli()), seq: uint64(i + 1)}.String()
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, ID: id, Values: []string{"a", "b"}})
		ids = append(ids, id)
	}
	pipe.XGroupCreate(t.Context(), stream, "g", "0")
	if read > 0 {
		pipe.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{stream, ">"}, Count: read, Block: -1})
	}
	if pending {
		ids = ids[1:]
	}
	pipe.XAck(t.Context(), stream, "g", ids...)
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

package redis

import (
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
	b, err := New(settings.Redis{URL: settings.URL(testservers.RedisFor(t).URL())}, Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(t.Context()) })
	now := time.Now()
	event := topic{known: true, partitions: 1, retention: time.Hour}
	for name, test := range map[string]struct {
		topic   topic
		pending bool
		seen    time.Time
		want    int64 // entries of 1000
		exact   bool
	}{
		"old entries go":                           {topic: event, want: 0},
		"a state is not trimmed":                   {topic: topic{known: true, kind: topics.KindState, retention: time.Hour}, want: 1000, exact: true},
		"nor what nobody registered":               {topic: topic{retention: time.Hour}, want: 1000, exact: true},
		"nor what is kept for ever":                {topic: topic{known: true, retention: -1}, want: 1000, exact: true},
		"nor what a living group has pending":      {topic: event, pending: true, seen: now, want: 1000, exact: true},
		"a group that died long ago keeps nothing": {topic: event, pending: true, seen: now.Add(-30 * 24 * time.Hour), want: 0},
	} {
		s := testservers.Unique(t, "trim")
		fill(t, b, s, now.Add(-2*time.Hour), test.pending)
		if !test.seen.IsZero() {
			b.client.HSet(t.Context(), side(s, "groups"), "g", test.seen.Unix())
		}
		if err := b.trim(t.Context(), s, test.topic); err != nil {
			t.Fatal(err)
		}
		n := b.client.XLen(t.Context(), s).Val()
		if test.exact && n != test.want || n > test.want+200 { // trimming works by nodes of 100 entries
			t.Errorf("%s: %d entries are left", name, n)
		}
	}
}

// fill adds 1000 entries of that time; the first one becomes pending.
func fill(t *testing.T, b *Broker, stream string, at time.Time, pending bool) {
	t.Helper()
	pipe := b.client.Pipeline()
	for i := range 1000 {
		id := entryID{ms: uint64(at.UnixMilli()), seq: uint64(i + 1)}
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, ID: id.String(), Values: []string{"a", "b"}})
	}
	pipe.XGroupCreate(t.Context(), stream, "g", "0")
	if pending {
		pipe.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{stream, ">"}, Count: 1, Block: -1})
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

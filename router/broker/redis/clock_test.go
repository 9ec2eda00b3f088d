package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
)

// TestTheClockOfAnotherServerMayBeBehind replaces the server by one with another run id and
// no group, as a failover does to what was not replicated. Its entries are up to a minute
// older, by their ids, than what the group had read.
func TestTheClockOfAnotherServerMayBeBehind(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{})
	b := open(t, s.Addr())
	topic := create(t, b, 1)
	var seen ids
	join(t, b, group(topic, seen.handle))
	publishAll(t, b.Sends(), topic, "before", 20).Wait()
	last := publish(t, b, &broker.Record{Topic: topic, ID: "last"})
	until(t, "what came before is handled", func() bool { return seen.has("before", 20) && seen.count("last") == 1 })
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := client(t, s.Addr())
	for i, behind := range []int64{58_000, 30_000, 1} {
		values := []string{"_watermill_message_uuid", fmt.Sprint("behind", i), "metadata", "", "payload", "v"}
		err := c.XAdd(t.Context(), &goredis.XAddArgs{Stream: topic, ID: before(t, last.Offset, behind), Values: values}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	until(t, "what is behind is handled", func() bool { return seen.has("behind", 3) })
}

// before is the id of an entry so many milliseconds before another.
func before(t *testing.T, id string, ms int64) string {
	t.Helper()
	text, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(n-ms, 10) + "-1"
}

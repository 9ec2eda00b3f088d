package redis_test

import (
	"testing"
	"time"

	"github.com/leat-go/leat/settings"
)

// TestMemberComesBackAfterAnswersStalled lets every answer come too late for the leases.
func TestMemberComesBackAfterAnswersStalled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		const partitions = 4
		p := newProxy(t, addr)
		log := newLogBook(t)
		b := opened(t, settings.Redis{URL: settings.URL("redis://" + p.addr()), Lease: time.Second}, log)
		topic := create(t, b, partitions)
		var seen ids
		join(t, b, group(topic, seen.handle))
		until(t, "the member has all", func() bool { return log.count("partition assigned") == partitions })
		goOn := p.hold(t)
		until(t, "all leases are over", func() bool { return log.count("partition lost") == partitions })
		goOn()
		publishAll(t, b.Sends(), topic, "after", 50).Wait()
		until(t, "all are handled", func() bool { return seen.has("after", 50) })
	})
}

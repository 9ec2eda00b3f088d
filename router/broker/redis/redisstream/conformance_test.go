package redisstream_test

import (
	"testing"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
	"github.com/leat-go/leat/router/broker/redis/redisstream"
)

// cannot is what this backend does not meet, with the reasons that the reference gives.
var cannot = []brokertest.Option{
	brokertest.Cannot("members that come and go under load get each message once, in order", "members share a stream without regard to keys"),
	brokertest.Cannot("order per key holds while members join and leave", "members share a stream without regard to keys"),
	brokertest.Cannot("order per key holds over a crash", "members share a stream without regard to keys"),
	brokertest.Cannot("the next owner goes on while others of the group go on", "members share a stream without regard to keys"),
	brokertest.Cannot("different keys are handled side by side", "each member has one message in flight"),
	brokertest.Cannot("unordered messages without a key are handled side by side", "each member has one message in flight"),
	brokertest.Cannot("a parked key holds up nobody else", "each member has one message in flight, also while it waits"),
	brokertest.Cannot("a hundred parked keys hold up nobody else", "each member has one message in flight, also while it waits"),
	brokertest.Cannot("a parked message holds up no other without a key where no order is asked for", "each member has one message in flight, also while it waits"),
	brokertest.Cannot("a released message lets the next of its key run", "each member has one message in flight"),
	brokertest.Cannot("released messages may be done in any order", "each member has one message in flight"),
	brokertest.Cannot("a held key waits until its message is done", "each member has one message in flight"),
	brokertest.Cannot("a held key waits until its message is parked", "each member has one message in flight"),
	brokertest.Cannot("a batch is full at its size", "each member has one message in flight"),
	brokertest.Cannot("nothing finished comes again while an older message waits", "each member has one message in flight, also while it waits"),
	brokertest.Cannot("a span that is full holds up no other partition", "a topic is one stream with one partition"),
	brokertest.Cannot("of many messages what is returned comes again and nothing finished", "each member has one message in flight"),
	brokertest.Cannot("attempts survive a restart", "the stock adapter keeps no attempts"),
	brokertest.Cannot("a parked message is not due earlier for a restart", "the stock adapter keeps no attempts"),
	brokertest.Cannot("an interrupted retry is not counted", "the stock adapter keeps no attempts"),
	brokertest.Cannot("a topic has the partitions it was created with", "a topic is one stream with one partition"),
	brokertest.NotFor("a message that is too large is refused by Check", "512 MiB, the limit of Redis, is more than a test should publish"),
	brokertest.NotFor("a message that is too large fails alone", "512 MiB, the limit of Redis, is more than a test should publish"),
	brokertest.NotFor("of messages published together one that is too large fails alone", "512 MiB, the limit of Redis, is more than a test should publish"),
	brokertest.Cannot("a State topic keeps the latest of each key", "the stock adapter does not compact"),
}

func TestConformance(t *testing.T) {
	t.Parallel()
	server := testservers.RedisFor(t)
	if !server.Real {
		t.Skip("the embedded one has its own test")
	}
	conform(t, server)
}

func TestConformanceEmbedded(t *testing.T) {
	t.Parallel()
	conform(t, testservers.EmbeddedRedis(t))
}

// onLine is a broker whose connection can be cut.
type onLine struct {
	*redisstream.Broker
	line *brokertest.Line
}

func conform(t *testing.T, server testservers.Redis) {
	t.Helper()
	brokertest.Run(t, func(t testing.TB) broker.Broker {
		t.Helper()
		line := brokertest.NewLine(t, server.Addr)
		return onLine{open(t, cfgFor("redis://"+line.Addr()+"/0")), line}
	}, append(cannot, brokertest.Crash(func(b broker.Broker, _ []broker.Member) {
		b.(onLine).line.Cut() //nolint:forcetypeassert // see above
	}), brokertest.Away(func(b broker.Broker) (back func()) {
		return b.(onLine).line.Cut() //nolint:forcetypeassert // see above
	}))...)
}

package redis_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/brokertest"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// cannot is what this backend does not meet, with the reasons that the reference gives.
var cannot = []brokertest.Option{
	brokertest.NotFor("a message that is too large is refused by Check", "512 MiB, the limit of Redis, is more than a test should publish"),
	brokertest.NotFor("a message that is too large fails alone", "512 MiB, the limit of Redis, is more than a test should publish"),
	brokertest.NotFor("of messages published together one that is too large fails alone", "512 MiB, the limit of Redis, is more than a test should publish"),
}

// TestConformance has a user for whom the server knows no command that Redis 6.2 had not.
func TestConformance(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{})
	conform(t, s.Addr(), as62(t, s))
}

// patientLease holds while an embedded server, which shares its process with all the tests and the race detector, does
// not answer for some seconds. What was not acknowledged by then would come again.
const patientLease = 10 * time.Second

func TestConformanceEmbedded(t *testing.T) {
	t.Parallel()
	conform(t, testservers.EmbeddedRedis(t).Addr, func(s *settings.Redis) { s.Lease = patientLease })
}

// onLine is a broker whose connection can be cut.
type onLine struct {
	*redis.Broker
	line *brokertest.Line
}

func conform(t *testing.T, addr string, change func(*settings.Redis)) {
	t.Helper()
	brokertest.Run(t, func(t testing.TB) broker.Broker {
		t.Helper()
		line := brokertest.NewLine(t, addr)
		cfg := settings.Redis{URL: settings.URL("redis://" + line.Addr() + "/0"), Lease: 3 * time.Second}
		change(&cfg)
		b, err := redis.New(cfg, redis.Logger(slog.New(slog.NewTextHandler(t.Output(), nil))))
		if err != nil {
			t.Fatal(err)
		}
		return onLine{b, line}
	}, append(cannot, brokertest.Crash(func(b broker.Broker, _ []broker.Member) {
		b.(onLine).line.Cut() //nolint:forcetypeassert // see above
	}), brokertest.Away(func(b broker.Broker) (back func()) {
		return b.(onLine).line.Cut() //nolint:forcetypeassert // see above
	}))...)
}

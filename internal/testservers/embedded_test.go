package testservers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leat-go/leat/internal/testservers"
)

func TestEmbeddedKafkaSpeaksKafka(t *testing.T) {
	t.Parallel()
	k := testservers.EmbeddedKafka(t)
	orders := createTopic(t, k.Brokers)
	orders.produce(t, "hello")
	if diff := cmp.Diff([]string{"hello"}, orders.read(t, 1)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if got := orders.partitions(t); got != 5 || k.Real {
		t.Errorf("%d partitions, real %t; want 5 and embedded", got, k.Real)
	}
}

func TestEmbeddedKafkaTakesOptions(t *testing.T) {
	t.Parallel()
	k := testservers.EmbeddedKafka(t, kfake.NumBrokers(3))
	if len(k.Brokers) != 3 {
		t.Errorf("brokers %v, want 3", k.Brokers)
	}
}

func TestEmbeddedRedisSpeaksRedis(t *testing.T) {
	t.Parallel()
	r := testservers.EmbeddedRedis(t)
	if got, err := redisClient(t, r.URL()).Ping(t.Context()).Result(); err != nil || got != "PONG" || r.Real {
		t.Errorf("ping: %q, %v, real %t; want PONG and embedded", got, err, r.Real)
	}
}

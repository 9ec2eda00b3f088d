package bench

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
)

// interrupted makes a topic and a group and is interrupted before it can remove them.
func interrupted(stop context.CancelFunc) Workload {
	return Workload{Name: "interrupted", Metrics: rate, Subjects: []string{SubjectBare}, Run: func(ctx context.Context, t *Task) ([]float64, error) {
		topic := Topic{Name: t.bed.unique("left"), Partitions: 2}
		p, err := t.driver.Publisher(ctx, topic)
		err = errors.Join(err, t.bed.s.Create(ctx, topic.Name, topic.Partitions), p.One(ctx, events(1, 100)[0]), p.Close())
		if err != nil {
			return nil, err
		}
		t.topics, t.parts = []string{topic.Name}, topic.Partitions
		reading, cancel := context.WithCancel(ctx)
		met := newMeter(1, false)
		j := t.job(Typed, met)
		ended := make(chan error, 1)
		go func() { ended <- t.driver.Read(reading, j) }()
		err = until(ctx, met.full, ended)
		cancel()
		stop()
		return []float64{1}, errors.Join(err, <-ended, ctx.Err())
	}}
}

func runInterrupted(t *testing.T, s Server) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	rows, err := Plan{Prefix: "sweep-me", Rounds: 2, Payload: 100, Log: slog.New(slog.DiscardHandler)}.On(ctx, s, []Workload{interrupted(stop)})
	if !errors.Is(err, context.Canceled) || len(rows) != 0 {
		t.Fatalf("On() = %v, %v, want an interrupt", rows, err)
	}
}

func TestAnInterruptLeavesNothingOnRedis(t *testing.T) {
	t.Parallel()
	c := redis.NewClient(&redis.Options{Addr: testservers.EmbeddedRedis(t).Addr})
	defer c.Close() //nolint:errcheck // a test's
	if err := c.Set(t.Context(), "mine", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	open := func() (redis.UniversalClient, error) { return redis.NewClient(c.Options()), nil }
	runInterrupted(t, NewRedis(map[string]Driver{SubjectBare: BareRedis{Open: open}}, c))
	if keys := c.Keys(t.Context(), "*").Val(); len(keys) != 1 || keys[0] != "mine" {
		t.Errorf("keys %q are left, want mine alone", keys)
	}
}

func TestAnInterruptLeavesNothingOnKafka(t *testing.T) {
	t.Parallel()
	seeds := kgo.SeedBrokers(testservers.EmbeddedKafka(t).Brokers...)
	k, err := NewKafka(map[string]Driver{SubjectBare: BareKafka{Common: []kgo.Opt{seeds}}}, seeds)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close() //nolint:errcheck // a test's
	if err := k.Create(t.Context(), "mine", 1); err != nil {
		t.Fatal(err)
	}
	runInterrupted(t, k)
	topics, topicErr := k.topics(t.Context())
	groups, groupErr := k.admin.ListGroups(t.Context())
	if err := errors.Join(topicErr, groupErr); err != nil {
		t.Fatal(err)
	}
	if len(topics) != 1 || topics[0] != "mine" || len(groups) != 0 {
		t.Errorf("topics %q and groups %q are left, want the topic mine alone", topics, groups.Groups())
	}
}

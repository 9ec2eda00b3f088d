package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

// The labelled loop is of use while it writes what leat writes: the same headers in the same order, with values of the
// same length.
func TestTheLabelledLoopWritesTheHeadersOfLeat(t *testing.T) {
	t.Parallel()
	cfg := settings.Default().Kafka
	cfg.BootstrapServers = testservers.EmbeddedKafka(t).Brokers
	seeds := kgo.SeedBrokers(cfg.BootstrapServers...)
	open := func(context.Context) (broker.Broker, error) { return kafka.New(cfg, kafka.Logger(quiet)) } //nolint:contextcheck // New fetches nothing
	k, err := NewKafka(nil, seeds)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close() //nolint:errcheck // a test's
	leat := headersBy(t, k, seeds, Leat{Open: open}, "leat")
	labelled := headersBy(t, k, seeds, BareKafka{Common: []kgo.Opt{seeds}, Labelled: true}, "labelled")
	if diff := cmp.Diff(leat, labelled); diff != "" {
		t.Errorf("headers (-leat +labelled):\n%s", diff)
	}
}

// headersBy publishes an event, has a worker handle it, and returns the headers of the event and of the result.
func headersBy(t *testing.T, k *Kafka, seeds kgo.Opt, d Driver, name string) (all [][]string) {
	t.Helper()
	in, out := Topic{Name: "in-" + name, Partitions: 1}, "out-"+name
	p, err := d.Publisher(t.Context(), in)
	err = errors.Join(err, k.Create(t.Context(), in.Name, 1), k.Create(t.Context(), out, 1), p.One(t.Context(), events(1, 100)[0]), p.Close())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- d.Read(ctx, Job{Mode: Work, Topics: []string{in.Name}, Out: out, Partitions: 1, Group: name, Handle: func(int64, int64) {}})
	}()
	for _, topic := range []string{in.Name, out} {
		all = append(all, headersOf(t, seeds, topic))
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return all
}

func headersOf(t *testing.T, seeds kgo.Opt, topic string) (hs []string) {
	t.Helper()
	c, err := kgo.NewClient(seeds, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fs := c.PollRecords(t.Context(), 1)
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	for _, h := range fs.Records()[0].Headers {
		hs = append(hs, fmt.Sprintf("%s: %d bytes", h.Key, len(h.Value)))
	}
	return hs
}

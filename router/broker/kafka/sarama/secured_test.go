package sarama_test

import (
	"testing"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

func TestLogInToASecuredKafka(t *testing.T) {
	t.Parallel()
	server := testservers.SecuredKafkaFor(t)
	for _, way := range server.LogIns(t) {
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			loaded, err := settings.Load(settings.Options{Dir: t.TempDir(), Environ: append(way.Env, "KAFKA_BACKEND=sarama"), NoDotEnv: true})
			if err != nil {
				t.Fatal(err)
			}
			b := open(t, loaded.Settings.Kafka)
			topic := testservers.Unique(t, "t")
			if err := b.CreateTopics(t.Context(), broker.TopicConfig{Name: topic, Partitions: 1}); err != nil {
				t.Fatal(err)
			}
			got := make(chan string, 1)
			m, err := b.Join(t.Context(), broker.Group{Name: topic, Subscriptions: []broker.Subscription{{Topic: topic, Handle: func(d broker.Delivery) {
				got <- string(d.Record().Value)
				d.Done()
			}}}})
			if err != nil {
				t.Fatal(err)
			}
			b.Outputs().Produce(t.Context(), &broker.Record{Topic: topic, Value: []byte("v")}, func(_ broker.Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
			})
			if v := <-got; v != "v" {
				t.Errorf("got %q", v)
			}
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

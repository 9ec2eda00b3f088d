package sarama_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
)

func TestLogIn(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			server := testservers.EmbeddedKafka(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "ann", "secret"), kfake.SeedTopics(1, "t"))
			cfg := cfgFor(server.Brokers...)
			cfg.SecurityProtocol, cfg.SASLMechanism, cfg.SASLUsername, cfg.SASLPassword = "SASL_PLAINTEXT", mechanism, "ann", "secret"
			b := open(t, cfg)
			written := make(chan error, 1)
			b.Outputs().Produce(t.Context(), &broker.Record{Topic: "t", Value: []byte("v")}, func(_ broker.Receipt, err error) { written <- err })
			if err := <-written; err != nil {
				t.Error(err)
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

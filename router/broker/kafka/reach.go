package kafka

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/settings"
)

// ClientOptions are options for a client of your own that reaches the servers of cfg as leat does,
// logs in and compresses what it produces like leat. It dials nothing.
func ClientOptions(cfg settings.Kafka) ([]kgo.Opt, error) {
	b := &Broker{cfg: withDefaults(cfg), log: slog.New(slog.DiscardHandler), clientID: "leat"}
	security, securityErr := securityOpts(&b.cfg)
	codec, codecErr := compression(&b.cfg)
	if err := errors.Join(securityErr, codecErr); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	b.connecting = security
	return append(b.clientOpts(), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(b.cfg.Linger)), nil
}

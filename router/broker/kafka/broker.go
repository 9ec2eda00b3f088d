package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

var _ broker.Broker = (*Broker)(nil)

// Broker is Kafka. Make it with [New]; its methods may be called concurrently.
type Broker struct {
	cfg        settings.Kafka
	log        *slog.Logger
	clientID   string
	connecting []kgo.Opt // how connections begin: dialing, TLS and log-in

	control *kgo.Client // for everything but records
	near    near        // to control
	admin   *kadm.Client
	sends   *producer
	outputs *producer
	extra   extraBytes
	closed  atomic.Bool
	end     ending // of logging
}

// New checks cfg and prepares a broker; all faults are reported together. It dials nothing.
// The caller must Close it.
func New(cfg settings.Kafka, opts ...Option) (*Broker, error) {
	b := &Broker{cfg: withDefaults(cfg), log: slog.Default(), clientID: "leat"}
	for _, o := range opts {
		o.apply(b)
	}
	b.log = slog.New(quietAfter{b.log.Handler(), &b.end})
	if cfg.ClientID != "" {
		b.clientID = cfg.ClientID
	}
	if err := b.prepare(); err != nil {
		b.release()
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return b, nil
}

// withDefaults fills what a hand-written literal leaves out with the defaults of the settings.
func withDefaults(cfg settings.Kafka) settings.Kafka {
	if len(cfg.BootstrapServers) == 0 {
		cfg.BootstrapServers = []string{"localhost:9092"}
	}
	orDuration(&cfg.RequestTimeout, 30*time.Second)
	orDuration(&cfg.DeliveryTimeout, 2*time.Minute)
	orDuration(&cfg.AutoCommitInterval, 5*time.Second)
	orDuration(&cfg.SessionTimeout, 10*time.Second)
	orDuration(&cfg.HeartbeatInterval, cfg.SessionTimeout*3/10)
	if cfg.MaxMessageBytes <= 0 {
		cfg.MaxMessageBytes = 1 << 20
	}
	if cfg.MaxPollRecords <= 0 {
		cfg.MaxPollRecords = 500
	}
	return cfg
}

func orDuration(d *time.Duration, other time.Duration) {
	if *d <= 0 {
		*d = other
	}
}

func (b *Broker) prepare() error {
	security, securityErr := securityOpts(&b.cfg)
	codec, codecErr := compression(&b.cfg)
	if err := errors.Join(securityErr, codecErr, checkGroup(&b.cfg), checkSize(&b.cfg)); err != nil {
		return err
	}
	b.connecting = append(b.connecting, security...)
	return b.newClients(codec)
}

func (b *Broker) newClients(codec kgo.CompressionCodec) (err error) {
	if b.control, err = kgo.NewClient(append(b.clientOpts(), kgo.WithHooks(&b.near))...); err != nil {
		return err
	}
	b.admin = kadm.NewClient(b.control)
	if b.sends, err = b.newSends(codec); err != nil {
		return err
	}
	b.outputs, err = b.newOutputs(codec)
	return err
}

// Name is "kafka".
func (b *Broker) Name() string { return "kafka" }

// Sends is the producer of a service's own messages: at most 64 MiB or 50,000 messages wait
// in it, Produce blocks for room.
func (b *Broker) Sends() broker.Producer { return b.sends }

// Outputs is the producer of results and dead letters: Produce never blocks and nothing
// times out.
func (b *Broker) Outputs() broker.Producer { return b.outputs }

// Close flushes both producers until ctx ends and closes all connections. What was not
// acknowledged by then is reported to its callers as [broker.ErrOutcomeUnknown]. Nothing is logged after it.
func (b *Broker) Close(ctx context.Context) error {
	if b.closed.Swap(true) {
		return nil
	}
	b.sends.close()
	b.outputs.close()
	err := errors.Join(b.sends.Flush(ctx), b.outputs.Flush(ctx))
	b.release()
	return err
}

func (b *Broker) release() {
	for _, p := range []*producer{b.sends, b.outputs} {
		if p != nil {
			p.release()
		}
	}
	if b.control != nil {
		b.control.Close()
	}
	b.end.come()
}

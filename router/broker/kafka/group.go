package kafka

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/settings"
)

func checkGroup(cfg *settings.Kafka) error {
	if cfg.GroupProtocol != "consumer" && cfg.HeartbeatInterval > cfg.SessionTimeout/3 {
		return fmt.Errorf("kafka.heartbeat_interval %v is more than a third of kafka.session_timeout %v (set KAFKA_HEARTBEAT_INTERVAL_MS)",
			cfg.HeartbeatInterval, cfg.SessionTimeout)
	}
	return nil
}

// groupOpts are the client options of a group member, callbacks aside.
func (b *Broker) groupOpts(group string, names []string) []kgo.Opt {
	opts := append(b.consumerOpts(),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(names...),
		kgo.SessionTimeout(b.cfg.SessionTimeout),
		kgo.HeartbeatInterval(b.heartbeat()),
		kgo.DisableAutoCommit(), // the engine knows what is finished
		kgo.BlockRebalanceOnPoll(),
	)
	if b.cfg.GroupInstanceID != "" {
		opts = append(opts, kgo.InstanceID(b.cfg.GroupInstanceID))
	}
	return append(opts, b.balancing()...)
}

func (b *Broker) balancing() []kgo.Opt {
	ranged := b.cfg.Balancer == "range"
	if b.cfg.GroupProtocol == "consumer" {
		// With any other balancer franz-go stays with the classic protocol, silently.
		opts := []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}
		if ranged {
			opts[1] = kgo.Balancers(kgo.RangeBalancer())
		}
		return opts
	}
	if ranged {
		return []kgo.Opt{kgo.Balancers(kgo.RangeBalancer())}
	}
	return []kgo.Opt{kgo.Balancers(kgo.CooperativeStickyBalancer())}
}

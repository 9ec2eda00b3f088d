package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

const (
	defaultRetention = 7 * 24 * time.Hour
	// brokerMessageBytes is what a topic takes when nothing is configured.
	brokerMessageBytes = 1<<20 + 12
	visibleWithin      = 5 * time.Second
)

// Topics lists the topics that exist, sorted by name, internal ones left out. Kafka does not
// know their kinds.
func (b *Broker) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	details, err := b.admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", b.unanswered(err))
	}
	infos := make([]broker.TopicInfo, 0, len(details))
	for _, d := range details.Sorted() {
		if d.Err == nil {
			infos = append(infos, broker.TopicInfo{Name: d.Topic, Partitions: len(d.Partitions)})
		}
	}
	return infos, nil
}

// CreateTopics creates what does not exist, waits until it is seen, and leaves alone what
// does exist.
func (b *Broker) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	var errs []error
	for i := range ts {
		b.extra.set(ts[i].Name, ts[i].ExtraBytes)
		if err := b.createTopic(ctx, &ts[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, b.awaitTopics(ctx, ts))...)
}

func (b *Broker) createTopic(ctx context.Context, t *broker.TopicConfig) error {
	_, err := b.admin.CreateTopic(ctx, orDefault[int32](t.Partitions), orDefault[int16](t.Replication), b.topicConfigs(t), t.Name)
	switch {
	case err == nil, errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("create topic %s: the user has no CREATE permission (grant it, or create the topic and turn off messaging.auto_create_topics): %w", t.Name, err)
	default:
		return fmt.Errorf("create topic %s: %w", t.Name, b.unanswered(err))
	}
}

// orDefault is n, or Kafka's word for the broker's default.
func orDefault[N int16 | int32](n int) N {
	if n <= 0 {
		return -1
	}
	return N(n)
}

func (b *Broker) topicConfigs(t *broker.TopicConfig) map[string]*string {
	configs := map[string]*string{}
	if t.Kind == topics.KindState {
		configs["cleanup.policy"] = new("compact")
	} else {
		configs["cleanup.policy"] = new("delete")
		configs["retention.ms"] = new(retention(t.Retention))
	}
	if n := int(b.cfg.MaxMessageBytes) + t.ExtraBytes; n > brokerMessageBytes {
		configs["max.message.bytes"] = new(strconv.Itoa(n))
	}
	return configs
}

func retention(d time.Duration) string {
	switch {
	case d < 0:
		return "-1"
	case d == 0:
		d = defaultRetention
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// awaitTopics waits until the servers that clients ask know the topics: right after their
// creation they may not. What is not seen in time is no error, clients ask again.
func (b *Broker) awaitTopics(ctx context.Context, ts []broker.TopicConfig) error {
	if len(ts) == 0 {
		return nil
	}
	names := make([]string, len(ts))
	for i := range ts {
		names[i] = ts[i].Name
	}
	limit, cancel := context.WithTimeout(ctx, visibleWithin)
	defer cancel()
	for !b.seen(limit, names) {
		if !pause(limit, 50*time.Millisecond) {
			break
		}
	}
	return ctx.Err()
}

func (b *Broker) seen(ctx context.Context, names []string) bool {
	details, err := b.admin.ListTopics(ctx, names...)
	if err != nil {
		return false
	}
	for _, name := range names {
		if !exists(details, name) {
			return false
		}
	}
	return true
}

func exists(details kadm.TopicDetails, name string) bool {
	d, ok := details[name]
	return ok && d.Err == nil && len(d.Partitions) > 0
}

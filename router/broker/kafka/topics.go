package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

const (
	defaultRetention = 7 * 24 * time.Hour
	// brokerMessageBytes is what a topic takes when nothing is configured.
	brokerMessageBytes = 1<<20 + 12
	visibleWithin      = 5 * time.Second
	createMillis       = 15_000
)

// Topics lists the topics that exist, sorted by name, internal ones left out. Kafka does not
// know their kinds.
func (b *Broker) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	all, err := b.listed(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", b.unanswered(err))
	}
	infos := make([]broker.TopicInfo, 0, len(all))
	for i := range all {
		if t := &all[i]; t.ErrorCode == 0 && !t.IsInternal {
			infos = append(infos, broker.TopicInfo{Name: *t.Topic, Partitions: len(t.Partitions)})
		}
	}
	slices.SortFunc(infos, func(a, b broker.TopicInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// listed is what a server says about topics, or all topics: the one that Connect has reached if it answers.
func (b *Broker) listed(ctx context.Context, names []string) ([]kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := b.near.ask(ctx, b.control, req)
	if err != nil {
		return nil, err
	}
	return resp.(*kmsg.MetadataResponse).Topics, nil //nolint:forcetypeassert // the answer to req
}

// CreateTopics creates what does not exist with one request, waits until it is seen, and leaves alone what
// does exist.
func (b *Broker) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	for i := range ts {
		b.extra.set(ts[i].Name, ts[i].ExtraBytes)
	}
	lacking := b.lacking(ctx, ts)
	if len(lacking) == 0 {
		return nil
	}
	return errors.Join(b.create(ctx, lacking), b.awaitTopics(ctx, lacking))
}

// lacking are those of ts that the servers do not list.
func (b *Broker) lacking(ctx context.Context, ts []broker.TopicConfig) []broker.TopicConfig {
	there, err := b.existing(ctx, namesOf(ts))
	if err != nil {
		return ts
	}
	return slices.DeleteFunc(slices.Clone(ts), func(t broker.TopicConfig) bool { return there[t.Name] })
}

func (b *Broker) existing(ctx context.Context, names []string) (map[string]bool, error) {
	all, err := b.listed(ctx, names)
	there := map[string]bool{}
	for _, t := range all {
		there[*t.Topic] = t.ErrorCode == 0 && len(t.Partitions) > 0
	}
	return there, err
}

func (b *Broker) create(ctx context.Context, ts []broker.TopicConfig) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = createMillis
	for i := range ts {
		req.Topics = append(req.Topics, b.creation(&ts[i]))
	}
	resp, err := req.RequestWith(ctx, b.control)
	if err != nil {
		return fmt.Errorf("create topics %s: %w", strings.Join(namesOf(ts), ", "), b.unanswered(err))
	}
	var errs []error
	for i := range resp.Topics {
		errs = append(errs, creationError(&resp.Topics[i]))
	}
	return errors.Join(errs...)
}

func (b *Broker) creation(t *broker.TopicConfig) kmsg.CreateTopicsRequestTopic {
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = t.Name, orDefault[int32](t.Partitions), orDefault[int16](t.Replication)
	for name, value := range b.topicConfigs(t) {
		rt.Configs = append(rt.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: &value})
	}
	return rt
}

func creationError(t *kmsg.CreateTopicsResponseTopic) error {
	err := kerr.ErrorForCode(t.ErrorCode)
	switch {
	case err == nil, errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("create topic %s: the user has no CREATE permission (grant it, or create the topic and turn off messaging.auto_create_topics): %w", t.Topic, err)
	case t.ErrorMessage != nil:
		return fmt.Errorf("create topic %s: %w: %s", t.Topic, err, *t.ErrorMessage)
	default:
		return fmt.Errorf("create topic %s: %w", t.Topic, err)
	}
}

// orDefault is n, or Kafka's word for the broker's default.
func orDefault[N int16 | int32](n int) N {
	if n <= 0 {
		return -1
	}
	return N(n)
}

func (b *Broker) topicConfigs(t *broker.TopicConfig) map[string]string {
	configs := map[string]string{}
	if t.Kind == topics.KindState {
		configs["cleanup.policy"] = "compact"
	} else {
		configs["cleanup.policy"] = "delete"
		configs["retention.ms"] = retention(t.Retention)
	}
	if n := int(b.cfg.MaxMessageBytes) + t.ExtraBytes; n > brokerMessageBytes {
		configs["max.message.bytes"] = strconv.Itoa(n)
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
	names := namesOf(ts)
	limit, cancel := context.WithTimeout(ctx, visibleWithin)
	defer cancel()
	for !b.seen(limit, names) {
		if !pause(limit, 50*time.Millisecond) {
			break
		}
	}
	return ctx.Err()
}

func namesOf(ts []broker.TopicConfig) []string {
	names := make([]string, len(ts))
	for i := range ts {
		names[i] = ts[i].Name
	}
	return names
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

package bench

import (
	"context"
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka is a Kafka as seen from outside of the subjects.
type Kafka struct {
	c       *kgo.Client
	admin   *kadm.Client
	drivers map[string]Driver
}

// NewKafka connects with the options of a client. Closing it closes the connection.
func NewKafka(drivers map[string]Driver, opts ...kgo.Opt) (*Kafka, error) {
	c, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &Kafka{c, kadm.NewClient(c), drivers}, nil
}

// Name is "kafka".
func (k *Kafka) Name() string { return "kafka" }

// Create makes a topic with the replication that the broker chooses.
func (k *Kafka) Create(ctx context.Context, topic string, parts int) error {
	_, err := k.admin.CreateTopic(ctx, int32(parts), -1, nil, topic) //nolint:gosec // some partitions
	return err
}

// Size counts by offsets.
func (k *Kafka) Size(ctx context.Context, topic string, _ int) (n int, err error) {
	offsets, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	offsets.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n, offsets.Error()
}

// Forget deletes the group.
func (k *Kafka) Forget(ctx context.Context, group string, _ int, _ ...string) {
	_, _ = k.admin.DeleteGroups(ctx, group) // what is left costs little
}

// Drop deletes topics.
func (k *Kafka) Drop(ctx context.Context, _ int, topics ...string) {
	_, _ = k.admin.DeleteTopics(ctx, topics...) // what is left is swept at the end
}

// Sweep deletes what has the prefix.
func (k *Kafka) Sweep(ctx context.Context, prefix string) error {
	groups, groupErr := k.admin.ListGroups(ctx)
	topics, topicErr := k.topics(ctx)
	return errors.Join(groupErr, topicErr, k.deleteGroups(ctx, with(prefix, groups.Groups())), k.deleteTopics(ctx, with(prefix, topics)))
}

// topics asks the broker. The admin client may answer from what it heard before a topic was made.
func (k *Kafka) topics(ctx context.Context) (names []string, err error) {
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, k.c)
	if err != nil {
		return nil, err
	}
	for _, t := range resp.Topics {
		if t.Topic != nil && !t.IsInternal {
			names = append(names, *t.Topic)
		}
	}
	return names, nil
}

func with(prefix string, names []string) (found []string) {
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			found = append(found, n)
		}
	}
	return found
}

func (k *Kafka) deleteGroups(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	rs, err := k.admin.DeleteGroups(ctx, names...)
	return errors.Join(err, rs.Error())
}

func (k *Kafka) deleteTopics(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	rs, err := k.admin.DeleteTopics(ctx, names...)
	return errors.Join(err, rs.Error())
}

// Drivers are those it was made with.
func (k *Kafka) Drivers() map[string]Driver { return k.drivers }

// Close closes the connection.
func (k *Kafka) Close() error {
	k.admin.Close()
	return nil
}

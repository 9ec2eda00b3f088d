package sarama

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/leat-go/leat/router/broker"
)

const coordinatorPause = 200 * time.Millisecond

var starts = map[string]broker.Start{
	"": broker.StartEarliest, "earliest": broker.StartEarliest, "latest": broker.StartLatest, "none": broker.StartNone,
}

// start says where partitions without a commit begin, after it has seen to the first start
// of the group: that is committed for the whole topic at once, so that partitions which
// appear later begin at their beginning. What could not be committed is returned: the
// positions that the member has to begin with.
func (b *Broker) start(ctx context.Context, g *broker.Group, s *broker.Subscription) (broker.Start, kadm.Offsets, error) {
	start := s.Start
	if start == broker.StartDefault {
		start = starts[b.shared.Settings.AutoOffsetReset]
	}
	ends, err := b.ends(ctx, s.Topic)
	if err != nil || g.Broadcast {
		return start, nil, err
	}
	begun, err := b.begun(ctx, g.Name, s.Topic)
	switch {
	case err != nil || begun:
		return broker.StartEarliest, nil, err
	case start == broker.StartNone:
		return start, nil, fmt.Errorf("group %s, topic %s: %w (set kafka.auto_offset_reset, or reset the group)", g.Name, s.Topic, broker.ErrNoStart)
	case start == broker.StartLatest:
		left, err := b.commit(ctx, g.Name, ends.Offsets())
		return broker.StartEarliest, left, err
	}
	return start, nil, nil
}

// ends are the ends of a topic, or an error that wraps ErrNoTopic.
func (b *Broker) ends(ctx context.Context, topic string) (kadm.ListedOffsets, error) {
	ends, err := b.shared.Admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("topic %s: %w (create it with: topics create %s)", topic, broker.ErrNoTopic, topic)
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets of topic %s: %w", topic, err)
	}
	return ends, nil
}

// begun tells whether the group has a position in any partition of the topic.
func (b *Broker) begun(ctx context.Context, group, topic string) (bool, error) {
	all, err := b.positions(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return false, fmt.Errorf("fetch positions of group %s: %w", group, err)
	}
	for _, o := range all[topic] {
		if o.Err == nil && o.At >= 0 {
			return true, nil
		}
	}
	return false, nil
}

// positions waits for a coordinator that is being set up, as for the first group of a cluster.
func (b *Broker) positions(ctx context.Context, group string) (kadm.OffsetResponses, error) {
	for {
		all, err := b.shared.Admin.FetchOffsets(ctx, group)
		if !kerr.IsRetriable(err) {
			return all, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(coordinatorPause):
		}
	}
}

// commit writes the first positions of a group, or returns them: while the group has members,
// be it on other topics, the servers take positions from those alone.
func (b *Broker) commit(ctx context.Context, group string, ends kadm.Offsets) (left kadm.Offsets, err error) {
	done, err := b.shared.Admin.CommitOffsets(ctx, group, ends)
	if err == nil {
		err = done.Error()
	}
	switch {
	case errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.NonEmptyGroup):
		return ends, nil
	case err != nil:
		return nil, fmt.Errorf("commit the first positions of group %s: %w", group, err)
	}
	return nil, nil
}

// begin has a session begin at positions where its group has none: else each rebalance before
// the first message is done would choose another beginning.
func (b *Broker) begin(session sarama.ConsumerGroupSession, group string, positions kadm.Offsets) error {
	committed, err := b.positions(session.Context(), group)
	if err == nil {
		err = committed.Error()
	}
	if err != nil {
		return fmt.Errorf("fetch positions of group %s: %w", group, err)
	}
	positions.Each(func(o kadm.Offset) {
		if c, ok := committed.Lookup(o.Topic, o.Partition); !ok || c.At < 0 {
			session.MarkOffset(o.Topic, o.Partition, o.At, "") // does nothing for what others have
		}
	})
	session.Commit()
	return nil
}

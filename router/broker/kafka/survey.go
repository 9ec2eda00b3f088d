package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// survey is what the servers say about topics at one moment.
type survey struct {
	details      kadm.TopicDetails
	starts, ends kadm.ListedOffsets
	kept         kadm.OffsetResponses // positions of the whole group
}

// position is what the group has committed for a partition. It is asked for together with
// begun: what the client itself fetched a moment before may lack what another member has
// committed since.
func (s *survey) position(at place) (c commit, ok bool) {
	o, ok := s.kept.Lookup(at.topic, at.id)
	if !ok || o.At < 0 {
		return commit{}, false
	}
	return commit{o.At, o.Metadata}, true
}

func (s *survey) ids() map[string]kadm.TopicID {
	ids := map[string]kadm.TopicID{}
	for name, d := range s.details {
		ids[name] = d.ID
	}
	return ids
}

// begun tells whether the group has a position in any partition of the topic.
func (s *survey) begun(topic string) bool {
	for id := range s.kept[topic] {
		if _, ok := s.position(place{topic, id}); ok {
			return true
		}
	}
	return false
}

func (s *survey) bounds(at place) (start, end int64, err error) {
	first, ok1 := s.starts.Lookup(at.topic, at.id)
	last, ok2 := s.ends.Lookup(at.topic, at.id)
	if err := errors.Join(first.Err, last.Err); err != nil {
		return 0, 0, fmt.Errorf("list offsets of topic %s, partition %d: %w", at.topic, at.id, err)
	}
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("list offsets of topic %s, partition %d: %w", at.topic, at.id, kerr.UnknownTopicOrPartition)
	}
	return first.Offset, last.Offset, nil
}

// surveyTopics asks all questions at once: who joins a group waits for the answers. A group's positions are among
// them unless group is "".
func surveyTopics(ctx context.Context, admin *kadm.Client, group string, names []string) (*survey, error) {
	s, err := askAll(ctx, admin, group, names)
	if err == nil && s.ahead() {
		s.ends, err = listOffsets(ctx, admin.ListEndOffsets, names)
	}
	return s, err
}

func askAll(ctx context.Context, admin *kadm.Client, group string, names []string) (*survey, error) {
	var s survey
	var topics, starts, ends, kept error
	var wg sync.WaitGroup
	wg.Go(func() { s.details, topics = admin.ListTopics(ctx, names...) })
	wg.Go(func() { s.starts, starts = listOffsets(ctx, admin.ListStartOffsets, names) })
	wg.Go(func() { s.ends, ends = listOffsets(ctx, admin.ListEndOffsets, names) })
	if group != "" {
		wg.Go(func() { s.kept, kept = admin.FetchOffsets(ctx, group) })
	}
	wg.Wait()
	return &s, cmp.Or(
		doing("list topics", topics), starts, ends,
		doing("fetch positions of group "+group, errors.Join(kept, s.kept.Error())))
}

// The servers may not agree yet who leads a topic that was just created, or do not for a moment.
const (
	leaderWithin = time.Second
	leaderPause  = 50 * time.Millisecond
)

// listOffsets asks again for what is asked of servers that do not lead it. The offsets may still have errors.
func listOffsets(ctx context.Context, ask func(context.Context, ...string) (kadm.ListedOffsets, error), names []string) (kadm.ListedOffsets, error) {
	end := time.Now().Add(leaderWithin)
	for {
		os, err := ask(ctx, names...)
		again := leaderless(err) || leaderless(anyError(os))
		if !again || time.Now().After(end) || !pause(ctx, leaderPause) {
			return os, doing("list offsets", err)
		}
	}
}

// anyError joins the errors of the partitions: one may hide another.
func anyError(os kadm.ListedOffsets) error {
	var errs []error
	os.Each(func(o kadm.ListedOffset) { errs = append(errs, o.Err) })
	return errors.Join(errs...)
}

// doing says what was being done when err happened; nil stays nil.
func doing(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ahead tells whether a position is after the end of its partition: the end may have been read before the position,
// which another member has committed meanwhile.
func (s *survey) ahead() bool {
	for topic, ends := range s.ends {
		for id, end := range ends {
			if c, ok := s.position(place{topic, id}); ok && c.offset > end.Offset {
				return true
			}
		}
	}
	return false
}

// leaderless tells whether err says that a server does not lead the partition, for the moment perhaps.
func leaderless(err error) bool {
	return errors.Is(err, kerr.NotLeaderForPartition) || errors.Is(err, kerr.LeaderNotAvailable) || errors.Is(err, kerr.OffsetNotAvailable)
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitLoop commits at intervals, or as soon as something is finished; one request is
// under way at a time, what is finished meanwhile goes with the next.
func (m *member) commitLoop(ctx context.Context) {
	tick := time.NewTicker(m.b.cfg.AutoCommitInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-m.finished:
		}
		m.commitOwned(ctx)
	}
}

// wakeCommits is called whenever something was finished or parked.
func (m *member) wakeCommits() {
	if m.b.cfg.EnableAutoCommit && !m.burdened.Load() {
		return // the next interval takes it along
	}
	m.commitSoon()
}

func (m *member) commitSoon() {
	select {
	case m.finished <- struct{}{}:
	default:
	}
}

func (m *member) commitOwned(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	m.committing.Lock()
	defer m.committing.Unlock()
	if err := m.commitLocked(within, m.owned()); err != nil && ctx.Err() == nil {
		m.log.Warn("commit: trying again later", "error", err)
	}
}

// commitParts commits the progress of partitions that are being given up.
func (m *member) commitParts(ctx context.Context, ps []*part) error {
	m.committing.Lock()
	defer m.committing.Unlock()
	return m.commitLocked(ctx, ps)
}

func (m *member) commitLocked(ctx context.Context, ps []*part) error {
	if m.pulse.silent() {
		return nil // others may own the partitions
	}
	room := m.roomy
	err := m.commitNews(ctx, ps)
	if m.roomy < room {
		return m.commitNews(ctx, ps)
	}
	return err
}

// commitNews commits what differs from what the group has.
func (m *member) commitNews(ctx context.Context, ps []*part) error {
	news := map[place]commit{}
	for _, p := range ps {
		if c := m.commitOf(p); c != p.committed {
			news[p.place] = c
		}
	}
	m.burdened.Store(slices.ContainsFunc(m.owned(), (*part).isHeavy))
	written, err := m.send(ctx, news)
	for _, p := range ps {
		if c, ok := news[p.place]; ok && written[p.place] {
			p.committed = c
		}
	}
	return err
}

func (m *member) commitOf(p *part) commit {
	pr := p.progress()
	metadata, fits := encodeProgress(p.topicID, &pr, m.roomy)
	if m.roomy == metadataLimit {
		m.weigh(p, !fits && p.caughtUp())
	}
	return commit{pr.Next, metadata}
}

// send writes commits and tells which ones the group has taken.
func (m *member) send(ctx context.Context, news map[place]commit) (written map[place]bool, err error) {
	if len(news) == 0 {
		return nil, nil
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for at, c := range news {
		if offsets[at.topic] == nil {
			offsets[at.topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[at.topic][at.id] = kgo.EpochOffset{Epoch: -1, Offset: c.offset}
	}
	m.cl.CommitOffsetsSync(kgo.PreCommitFnContext(ctx, addMetadata(news)), offsets,
		func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
			written, err = m.answer(req, resp, e)
		})
	return written, err
}

func addMetadata(news map[place]commit) func(*kmsg.OffsetCommitRequest) error {
	return func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			t := &req.Topics[i]
			for j := range t.Partitions {
				t.Partitions[j].Metadata = new(news[place{t.Topic, t.Partitions[j].Partition}].metadata)
			}
		}
		return nil
	}
}

func (m *member) answer(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) (map[place]bool, error) {
	if err != nil {
		return nil, fmt.Errorf("commit for group %s: %w", m.group.Name, err)
	}
	names := map[[16]byte]string{}
	for i := range req.Topics {
		names[req.Topics[i].TopicID] = req.Topics[i].Topic
	}
	written := map[place]bool{}
	var errs []error
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Topic == "" {
			t.Topic = names[t.TopicID]
		}
		errs = append(errs, m.answerTopic(t, written))
	}
	return written, errors.Join(errs...)
}

func (m *member) answerTopic(t *kmsg.OffsetCommitResponseTopic, written map[place]bool) error {
	var errs []error
	for i := range t.Partitions {
		p := &t.Partitions[i]
		err := kerr.ErrorForCode(p.ErrorCode)
		if err == nil {
			written[place{t.Topic, p.Partition}] = true
			continue
		}
		m.commitError(t.Topic, err)
		errs = append(errs, fmt.Errorf("commit for group %s, topic %s, partition %d: %w", m.group.Name, t.Topic, p.Partition, err))
	}
	return errors.Join(errs...)
}

func (m *member) commitError(topic string, err error) {
	if errors.Is(err, kerr.OffsetMetadataTooLarge) && m.roomy > minMetadata {
		m.roomy = minMetadata
		m.log.Warn("the servers take less metadata with a commit than usual: attempts and what is finished out of order are forgotten when partitions change hands (raise offset.metadata.max.bytes to 4096)")
	}
	if why := permission(topic, m.group.Name, err); why != "" {
		m.trouble.say("cannot commit: "+why, "topic", topic)
	}
}

// minMetadata has room for the topic id.
const minMetadata = 64

package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
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

func surveyTopics(ctx context.Context, admin *kadm.Client, names []string) (*survey, error) {
	var s survey
	var err error
	if s.details, err = admin.ListTopics(ctx, names...); err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	if s.starts, err = admin.ListStartOffsets(ctx, names...); err != nil {
		return nil, fmt.Errorf("list first offsets: %w", err)
	}
	if s.ends, err = admin.ListEndOffsets(ctx, names...); err != nil {
		return nil, fmt.Errorf("list last offsets: %w", err)
	}
	return &s, nil
}

// starts says where the given partitions go on, and commits what it has chosen.
func (m *member) starts(ctx context.Context, offsets map[string]map[int32]kgo.Offset) ([]*part, error) {
	names := make([]string, 0, len(offsets))
	for name := range offsets {
		names = append(names, name)
	}
	s, err := surveyTopics(ctx, m.admin, names)
	if err != nil {
		return nil, err
	}
	m.meet(s.ids())
	s.kept, err = m.admin.FetchOffsets(ctx, m.group.Name)
	if err = errors.Join(err, s.kept.Error()); err != nil {
		return nil, fmt.Errorf("fetch positions of group %s: %w", m.group.Name, err)
	}
	return m.choose(ctx, s, offsets)
}

func (m *member) choose(ctx context.Context, s *survey, offsets map[string]map[int32]kgo.Offset) ([]*part, error) {
	plans := make([]plan, 0, len(offsets))
	for topic, ids := range offsets {
		for id := range ids {
			pl, err := m.plan(s, place{topic, id})
			if err != nil {
				return nil, err
			}
			plans = append(plans, pl)
		}
	}
	if err := m.commitStarts(ctx, s, plans); err != nil {
		return nil, err
	}
	ps := make([]*part, len(plans))
	for i := range plans {
		ps[i] = m.startPart(s, &plans[i])
	}
	return ps, nil
}

// plan is where a partition goes on.
type plan struct {
	place
	at     int64
	past   progress
	kept   commit // what the group has
	chosen bool   // by a rule, not by the group's commit
	latest bool   // the first start of the group in the topic, at its end
}

// plan applies the rules. What the group has committed wins, when it still means something.
func (m *member) plan(s *survey, at place) (plan, error) {
	start, end, err := s.bounds(at)
	if err != nil {
		return plan{}, err
	}
	kept, ok := s.position(at)
	past, _ := decodeProgress(kept.metadata, kept.offset) // else another client's
	// Another member may have gone on in the new topic already.
	recreated := m.isRecreated(at.topic) && (past.topicID == [16]byte{} || kadm.TopicID(past.topicID) != s.details[at.topic].ID)
	pl := plan{place: at, at: start, kept: kept, chosen: true}
	switch {
	case !ok && !recreated && !s.begun(at.topic):
		return m.planFirst(pl, end)
	case !ok && !recreated:
		return m.orNone(pl, "the partition is new")
	case recreated || m.another(at, past.topicID, s.details[at.topic].ID):
		return m.orNone(pl, "the topic was deleted and created again")
	case kept.offset > end:
		m.log.Error("the group's position is after the end of the partition: the servers lost messages, reading from the beginning", "topic", at.topic, "partition", at.id, "position", kept.offset, "end", end)
		return m.orNone(pl, "the servers lost messages")
	case kept.offset < start:
		m.reportGap(at, kept.offset, start)
		pl.past = past
		return m.orNone(pl, "messages were deleted before they were handled")
	default:
		pl.at, pl.past, pl.chosen = kept.offset, past, false
		return pl, nil
	}
}

// planFirst is for a topic in which the group has no position at all.
func (m *member) planFirst(pl plan, end int64) (plan, error) {
	if m.startOf(pl.topic) == broker.StartLatest {
		pl.at, pl.latest = end, true
	}
	return m.orNone(pl, "the group has never read the topic")
}

func (m *member) orNone(pl plan, why string) (plan, error) {
	if m.startOf(pl.topic) == broker.StartNone {
		return pl, m.noStart(pl.place, why)
	}
	return pl, nil
}

func (m *member) isRecreated(topic string) bool {
	m.state.Lock()
	defer m.state.Unlock()
	return m.state.recreated[topic]
}

// another tells whether the group's position is one of an earlier topic of that name.
func (m *member) another(at place, committed [16]byte, now kadm.TopicID) bool {
	if committed == [16]byte{} || now == (kadm.TopicID{}) || committed == [16]byte(now) {
		return false
	}
	m.log.Warn("the topic was deleted and created again: reading it from its beginning", "topic", at.topic, "partition", at.id)
	return true
}

// commitStarts commits chosen positions at once. A group that begins at the end begins so
// in all partitions, those of other members too: else they would take theirs for new ones.
func (m *member) commitStarts(ctx context.Context, s *survey, plans []plan) error {
	news := map[place]commit{}
	for i := range plans {
		if pl := &plans[i]; pl.latest {
			m.addEnds(news, s, pl.topic)
		}
	}
	for i := range plans {
		if pl := &plans[i]; pl.chosen {
			news[pl.place] = commit{pl.at, startMetadata(s, pl.topic)}
		} else {
			delete(news, pl.place)
		}
	}
	m.committing.Lock()
	defer m.committing.Unlock()
	_, err := m.send(ctx, news)
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return nil // said already; such a topic must not keep the others, its start is committed later
	}
	return err
}

func (m *member) addEnds(news map[place]commit, s *survey, topic string) {
	for id, o := range s.ends[topic] {
		if o.Err == nil {
			news[place{topic, id}] = commit{o.Offset, startMetadata(s, topic)}
		}
	}
}

func startMetadata(s *survey, topic string) string {
	metadata, _ := encodeProgress(s.details[topic].ID, &noProgress, metadataLimit)
	return metadata
}

// startPart leaves committed empty where the position was chosen: the next commit repeats
// it, in case another member that began at the same moment wrote over it.
func (m *member) startPart(s *survey, pl *plan) *part {
	p := &part{
		place: pl.place, topicID: s.details[pl.topic].ID, next: pl.at, past: pl.past,
		gen: m.engines[pl.topic].Assign(pl.id, pl.at),
	}
	if !pl.chosen {
		p.committed = pl.kept
	}
	return p
}

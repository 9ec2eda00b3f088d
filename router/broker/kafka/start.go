package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// starts says where the given partitions go on, and commits what it has chosen.
func (m *member) starts(ctx context.Context, offsets map[string]map[int32]kgo.Offset) ([]*part, error) {
	s, err := m.surveyOf(ctx, slices.Sorted(maps.Keys(offsets)))
	if err != nil {
		return nil, err
	}
	m.meet(s.ids())
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

// commitStarts commits the beginning of a group that begins at the end before anything is delivered, in all partitions,
// those of other members too: else they would take theirs for new ones. Other positions that were chosen would be
// chosen again.
func (m *member) commitStarts(ctx context.Context, s *survey, plans []plan) error {
	news := map[place]commit{}
	for i := range plans {
		if pl := &plans[i]; pl.latest {
			m.addEnds(news, s, pl.topic)
		}
	}
	if len(news) == 0 {
		return nil
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

// startPart leaves committed empty where the position was chosen: it is committed soon, or again
// in case another member that began at the same moment wrote over it.
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

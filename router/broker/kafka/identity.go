package kafka

import (
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
)

// meet remembers which topics stand behind the names, and notices when they are others.
func (m *member) meet(ids map[string]kadm.TopicID) {
	others := map[string]bool{}
	m.state.Lock()
	for name, id := range ids {
		switch known, met := m.state.ids[name]; {
		case id == kadm.TopicID{}: // it does not exist, or the servers are too old to tell
		case !met:
			m.state.ids[name] = id
		case known != id:
			others[name] = true
		}
	}
	m.state.Unlock()
	m.outdate(others)
}

// outdate ends this member: topics are others than those that its client keeps to.
func (m *member) outdate(names map[string]bool) {
	if !m.noteOthers(names) {
		return
	}
	drop(m.takeAll(func(p *part) bool { return names[p.topic] }))
	select {
	case m.outdated <- struct{}{}:
	default: // told already
	}
}

// noteOthers reports whether that is news.
func (m *member) noteOthers(names map[string]bool) (news bool) {
	m.state.Lock()
	defer m.state.Unlock()
	for name := range names {
		if !m.state.others[name] {
			m.state.others[name], news = true, true
			m.log.Warn("the topic was deleted, its next instance is read from the beginning", "topic", name)
		}
	}
	return news
}

func (m *member) others() map[string]bool {
	m.state.Lock()
	defer m.state.Unlock()
	return maps.Clone(m.state.others)
}

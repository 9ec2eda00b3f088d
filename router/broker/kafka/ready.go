package kafka

import (
	"maps"
	"slices"
	"strings"
)

// Ready tells whether positions are known for all partitions that this member was given.
func (m *member) Ready() bool { return m.Reason() == "" }

// Reason tells why the member is not ready, "" when it is.
func (m *member) Reason() string {
	m.state.Lock()
	defer m.state.Unlock()
	switch {
	case len(m.state.missing) > 0:
		return strings.Join(slices.Sorted(maps.Values(m.state.missing)), "; ")
	case !m.state.joined && m.state.why != "":
		return m.state.why
	case !m.state.joined, !m.state.looked, len(m.state.others) > 0:
		return m.waiting("to join")
	case len(m.state.pending) > 0:
		return m.waiting("to find its positions")
	case m.pulse.silent():
		return m.waiting("to hear from the servers")
	default:
		return ""
	}
}

func (m *member) waiting(what string) string { return "group " + m.group.Name + ": waiting " + what }

// cannot says why this process is not taken, and keeps it as the reason until it is.
func (m *member) cannot(why, topic string, err error) {
	m.state.Lock()
	m.state.why = why
	m.state.Unlock()
	m.trouble.say(why, "topic", topic, "error", err)
}

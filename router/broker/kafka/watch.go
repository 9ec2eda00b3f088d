package kafka

import (
	"context"
	"time"
)

const (
	watchMissing = time.Second
	watchAll     = 10 * time.Second
)

// watch looks whether the group's topics exist. What does not is waited for.
func (m *member) watch(ctx context.Context) {
	for {
		wait := watchAll
		if m.lookForTopics(ctx) {
			wait = watchMissing
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// lookForTopics reports whether topics are missing.
func (m *member) lookForTopics(ctx context.Context) bool {
	details, err := m.admin.ListTopics(ctx, m.names()...)
	if err != nil {
		return true
	}
	m.meet(details)
	missing := map[string]bool{}
	for _, name := range m.names() {
		if why := permission(name, m.group.Name, details[name].Err); why != "" {
			m.trouble.say("cannot consume: "+why, "topic", name)
			missing[name] = true
		} else if !exists(details, name) {
			m.trouble.say("the topic does not exist, waiting for it (create it with leat topics create, or set MESSAGING_AUTO_CREATE_TOPICS)", "topic", name)
			missing[name] = true
		}
	}
	m.noteMissing(missing)
	return len(missing) > 0
}

func (m *member) noteMissing(missing map[string]bool) {
	m.state.Lock()
	appeared := false
	for name := range m.state.missing {
		appeared = appeared || !missing[name]
	}
	m.state.missing = missing
	m.state.Unlock()
	if appeared {
		m.cl.ForceMetadataRefresh()
	}
}

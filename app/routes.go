package app

import (
	"cmp"
	"strings"

	"github.com/leat-go/leat/settings"
)

// routes says which broker serves a topic, by the topic's name at the broker: the one that
// topics.<name>.broker names, for dead letters that of their source; "" is the default.
func (p *plan) routes() func(topic string) string {
	placed := placement(p.loaded.Settings)
	shared := p.conventions().DeadLetterTopic
	deads := map[string]string{}
	for _, h := range p.recorder.Handlers() {
		if h.DeadLetter != shared {
			deads[h.DeadLetter] = placed(h.Topic)
		}
	}
	return func(topic string) string {
		return cmp.Or(placed(topic), deads[topic], placed(strings.TrimSuffix(topic, ".dlq")))
	}
}

// placement is what settings alone say. A topic that settings rename is known by its new name.
func placement(s settings.Settings) func(topic string) string {
	renamed := map[string]string{}
	for _, t := range s.Topics {
		if t.Name != nil && t.Broker != nil {
			renamed[prefixed(s, *t.Name)] = *t.Broker
		}
	}
	return func(topic string) string {
		if name, ok := renamed[topic]; ok {
			return name
		}
		t, _ := s.Topic(strings.TrimPrefix(topic, s.Messaging.TopicPrefix))
		if t.Name != nil || t.Broker == nil {
			return ""
		}
		return *t.Broker
	}
}

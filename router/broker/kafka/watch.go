package kafka

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	watchMissing = time.Second
	watchAll     = 10 * time.Second
)

// watch looks whether the group's topics exist and may be read. What does not is waited for.
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
	resp, err := m.describe(ctx)
	if err != nil {
		return true
	}
	missing, ids := map[string]string{}, map[string]kadm.TopicID{}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		ids[*t.Topic] = t.TopicID
		if why := m.unreadable(t); why != "" {
			m.trouble.say(why, "topic", *t.Topic)
			missing[*t.Topic] = why
		}
	}
	m.noteMissing(missing)
	m.meet(ids)
	return len(missing) > 0
}

func (m *member) describe(ctx context.Context) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range m.names() {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	return req.RequestWith(ctx, m.cl)
}

// unreadable tells why a topic cannot be consumed, "" when it can.
func (m *member) unreadable(t *kmsg.MetadataResponseTopic) string {
	err := kerr.ErrorForCode(t.ErrorCode)
	if err == nil && !allowed(t.AuthorizedOperations, kmsg.ACLOperationRead) {
		err = kerr.TopicAuthorizationFailed
	}
	if why := permission(*t.Topic, m.group.Name, err); why != "" {
		return "cannot consume: " + why
	}
	if err != nil || len(t.Partitions) == 0 {
		return "the topic " + *t.Topic + " does not exist, waiting for it (create it with leat topics create, or set MESSAGING_AUTO_CREATE_TOPICS)"
	}
	return ""
}

// allowed tells whether op is one of operations; servers before 2.3 do not say.
func allowed(operations int32, op kmsg.ACLOperation) bool {
	return operations == math.MinInt32 || operations&(1<<op) != 0
}

func (m *member) noteMissing(missing map[string]string) {
	m.state.Lock()
	appeared := false
	for name := range m.state.missing {
		appeared = appeared || missing[name] == ""
	}
	m.state.missing, m.state.looked = missing, true
	m.state.Unlock()
	if appeared {
		m.cl.ForceMetadataRefresh()
	}
}

package kafka_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
)

// written is a log that tests look into.
type written struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the log.
func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) has(parts ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.text.String()) {
		if containsAll(line, parts) {
			return true
		}
	}
	return false
}

func containsAll(line string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(line, p) {
			return false
		}
	}
	return true
}

// as is a broker of a user without any permission, and its log.
func as(t *testing.T, s *testservers.KafkaServer, user string) (*kafka.Broker, *written) {
	t.Helper()
	var log written
	token := "KAFKA_SASL_OAUTH_TOKEN=" + testservers.UnsignedToken(user, time.Now().Add(time.Hour))
	b, err := kafka.New(configOf(t, s.TokenLogIn(token)...), kafka.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(within(t)) })
	if err := b.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	return b, &log
}

func grant(t *testing.T, s *testservers.KafkaServer, acl *kadm.ACLBuilder, user string, ops ...kadm.ACLOperation) {
	t.Helper()
	acl = acl.Allow("User:" + user).AllowHosts("*").Operations(ops...).ResourcePatternType(kadm.ACLPatternLiteral)
	results, err := adminOf(t, s.Brokers()).CreateACLs(within(t), acl)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func root(t *testing.T, s *testservers.KafkaServer) *kafka.Broker {
	t.Helper()
	return openBroker(t, config(s.Brokers()))
}

func TestAMissingPermissionToPublishOrCreateIsNamed(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, topic, other := testservers.Unique(t, "user"), newTopic(t, super, 1), newTopic(t, super, 1)
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpDescribe)
	b, _ := as(t, s, user)
	err := produceOne(t, b.Outputs(), &broker.Record{Topic: topic, Value: []byte("v")})
	wantParts(t, err, topic, "grant WRITE on the topic", "restart")
	grant(t, s, kadm.NewACLs().Topics(other), user, kadm.OpWrite)
	b, _ = as(t, s, user)
	err = b.CreateTopics(within(t), broker.TopicConfig{Name: topic + "-new"})
	wantParts(t, err, topic+"-new", "CREATE permission")
	err = produceOne(t, b.Outputs(), &broker.Record{Topic: topic, Value: []byte("v")})
	wantParts(t, err, topic, "no WRITE permission on the topic")
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpWrite)
	eventually(t, "publishing after the grant", func() bool {
		return produceOne(t, b.Outputs(), &broker.Record{Topic: topic, Value: []byte("v")}) == nil
	})
}

func wantParts(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil || !containsAll(err.Error(), parts) {
		t.Errorf("%v does not name %q", err, parts)
	}
}

func TestATopicWithoutPermissionStopsNoOther(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, open, shut := testservers.Unique(t, "user"), newTopic(t, super, 1), newTopic(t, super, 1)
	produce(t, super.Sends(), append(keyed(open, 10, 1), keyed(shut, 10, 1)...)...)
	grant(t, s, kadm.NewACLs().Topics(open), user, kadm.OpRead, kadm.OpDescribe)
	grant(t, s, kadm.NewACLs().Groups(user), user, kadm.OpRead)
	b, log := as(t, s, user)
	var got seen
	m, err := b.Join(within(t), broker.Group{Name: user, Subscriptions: []broker.Subscription{
		{Topic: open, Handle: got.handle}, {Topic: shut, Handle: got.handle},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave(t, m)
	got.wait(t, 10)
	eventually(t, "a line about the other topic", func() bool { return log.has("READ and DESCRIBE permission on topic " + shut) })
}

func TestAGroupWithoutPermissionIsNamed(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, topic := testservers.Unique(t, "user"), newTopic(t, super, 1)
	produce(t, super.Sends(), keyed(topic, 10, 1)...)
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpRead, kadm.OpDescribe)
	b, log := as(t, s, user)
	var got seen
	join(t, b, user, broker.Subscription{Topic: topic, Handle: got.handle})
	eventually(t, "a line about the group", func() bool { return log.has("READ permission on group " + user) })
	grant(t, s, kadm.NewACLs().Groups(user), user, kadm.OpRead)
	got.wait(t, 10)
}

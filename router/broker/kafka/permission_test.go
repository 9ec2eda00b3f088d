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
	wantParts(t, err, topic, "grant WRITE on the topic")
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

func TestAProducerGoesOnAfterItsFirstGrant(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, topic := testservers.Unique(t, "user"), newTopic(t, super, 1)
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpDescribe)
	b, _ := as(t, s, user)
	one := &broker.Record{Topic: topic, Value: []byte("v")}
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		for range 3 {
			wantParts(t, produceOne(t, p, one), "grant WRITE on the topic")
		}
	}
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpWrite)
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		eventually(t, "publishing after the grant", func() bool { return produceOne(t, p, one) == nil })
	}
}

// What the servers said at the start is not held against the first message.
func TestAGrantAfterTheStartIsSeenByTheFirstMessage(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, topic := testservers.Unique(t, "user"), newTopic(t, super, 1)
	b, _ := as(t, s, user)
	grant(t, s, kadm.NewACLs().Topics(topic), user, kadm.OpDescribe, kadm.OpWrite)
	other, _ := as(t, s, user)
	eventually(t, "the grant is known", func() bool {
		return produceOne(t, other.Sends(), &broker.Record{Topic: topic, Value: []byte("v")}) == nil
	})
	for _, p := range []broker.Producer{b.Sends(), b.Outputs()} {
		if err := produceOne(t, p, &broker.Record{Topic: topic, Value: []byte("v")}); err != nil {
			t.Error(err)
		}
	}
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

// A topic that may be seen and not read has partitions and positions; only its messages do not come.
func TestAMemberThatMayNotReadATopicIsNotReady(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	super := root(t, s)
	user, open, shut := testservers.Unique(t, "user"), newTopic(t, super, 1), newTopic(t, super, 1)
	produce(t, super.Sends(), append(keyed(open, 10, 1), keyed(shut, 10, 1)...)...)
	grant(t, s, kadm.NewACLs().Topics(open), user, kadm.OpRead, kadm.OpDescribe)
	grant(t, s, kadm.NewACLs().Topics(shut), user, kadm.OpDescribe)
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
	wantParts(t, broker.NotReady(m), "no READ", shut)
	eventually(t, "a line about the topic", func() bool { return log.has("READ and DESCRIBE permission on topic " + shut) })
	grant(t, s, kadm.NewACLs().Topics(shut), user, kadm.OpRead)
	got.wait(t, 20)
	eventually(t, "ready after the grant", m.Ready)
	eventually(t, "everything is committed", func() bool { return committed(t, adminOf(t, s.Brokers()), user, shut) == 10 })
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
	m := join(t, b, user, broker.Subscription{Topic: topic, Handle: got.handle})
	eventually(t, "a line about the group", func() bool { return log.has("READ permission on group " + user) })
	wantParts(t, broker.NotReady(m), "READ permission on group "+user)
	grant(t, s, kadm.NewACLs().Groups(user), user, kadm.OpRead)
	got.wait(t, 10)
}

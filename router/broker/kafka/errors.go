package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// explain turns the error of a produced record into one that callers know.
func explain(topic string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kgo.ErrClientClosed):
		return fmt.Errorf("publish to %s: %w: %w", topic, broker.ErrOutcomeUnknown, broker.ErrClosed)
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return fmt.Errorf("publish to %s: %w: %w", topic, broker.ErrTooLarge, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("publish to %s: %w: %w", topic, broker.ErrNoTopic, err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("publish to %s: the user has no WRITE permission on the topic: %w", topic, err)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("publish to %s: the user may write to no topic at all (grant WRITE on the topic, before Kafka 2.8 IDEMPOTENT_WRITE on the cluster): %w", topic, err)
	case uncertain(err):
		return fmt.Errorf("publish to %s: %w: %w", topic, broker.ErrOutcomeUnknown, err)
	default:
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
}

// uncertain tells that err is the client's, not an answer of the servers: it gave up a record, for instance
// with all others of a topic that was created anew, and that record may have been on its way.
func uncertain(err error) bool {
	_, answered := errors.AsType[*kerr.Error](err)
	return !answered
}

// permission names what is missing when err is about authorization, "" when it is not.
func permission(topic, group string, err error) string {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "the user has no READ and DESCRIBE permission on topic " + topic
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "the user has no READ permission on group " + group
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "the user has no permission on the cluster"
	default:
		return ""
	}
}

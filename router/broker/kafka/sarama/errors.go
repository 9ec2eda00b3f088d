package sarama

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/leat-go/leat/router/broker"
)

// explain turns an error of the stock publisher into one that callers know. It is final
// when the servers refuse the record itself.
func explain(topic string, err error) (explained error, final bool) {
	sentinel, final := verdict(err)
	if sentinel == nil {
		return fmt.Errorf("publish to %s: %w", topic, err), final
	}
	return fmt.Errorf("publish to %s: %w: %w", topic, sentinel, err), final
}

func verdict(err error) (sentinel error, final bool) {
	var answer sarama.KError
	if !errors.As(err, &answer) {
		if errors.Is(err, sarama.ErrOutOfBrokers) {
			return broker.ErrUnreachable, false
		}
		return nil, false
	}
	switch answer {
	case sarama.ErrMessageSizeTooLarge:
		return broker.ErrTooLarge, true
	case sarama.ErrUnknownTopicOrPartition:
		return broker.ErrNoTopic, true
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrInvalidTopic,
		sarama.ErrInvalidRecord, sarama.ErrPolicyViolation, sarama.ErrInvalidTimestamp:
		return nil, true
	default:
		return nil, false
	}
}

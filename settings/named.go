package settings

import (
	"strings"
	"time"
)

// Worker overrides what the code says about one handler (a consumer or a worker). A nil
// field was not set and overrides nothing.
type Worker struct {
	Group        *string        `koanf:"group" validate:"omitnil,min=1" doc:"Consumer group."`
	Concurrency  *int           `koanf:"concurrency" validate:"omitnil,min=1" doc:"Messages handled at once."`
	MaxRetries   *int           `koanf:"max_retries" validate:"omitnil,min=0" doc:"Retries after the first attempt."`
	RetryBackoff *string        `koanf:"retry_backoff" validate:"omitnil,oneof=fixed linear exponential" doc:"How the wait grows."`
	InitialDelay *time.Duration `koanf:"initial_delay" validate:"omitnil,min=0" doc:"Wait before the first retry."`
	MaxDelay     *time.Duration `koanf:"max_delay" validate:"omitnil,min=0" doc:"No wait is longer than this."`
	DLQTopic     *string        `koanf:"dlq_topic" validate:"omitnil,topicname" doc:"Dead letter topic."`
	BatchSize    *int           `koanf:"batch_size" validate:"omitnil,min=1" doc:"Messages in a full batch; batch handlers only."`
	BatchWait    *time.Duration `koanf:"batch_wait" validate:"omitnil,min=1ms" doc:"How long a batch waits to become full; batch handlers only."`
	Timeout      *time.Duration `koanf:"timeout" validate:"omitnil,min=0" doc:"How long one attempt may take. 0: no limit."`
	Enabled      *bool          `koanf:"enabled" doc:"false: the handler is not started."`
}

// Topic overrides what the code says about one topic. A nil field was not set and
// overrides nothing.
type Topic struct {
	Broker      *string        `koanf:"broker" validate:"omitnil,oneof=kafka redis memory" doc:"Broker that serves this topic."`
	Name        *string        `koanf:"name" validate:"omitnil,topicname" doc:"Name of the topic on the broker."`
	Partitions  *int           `koanf:"partitions" validate:"omitnil,min=0" doc:"Partitions. 0: the broker's default."`
	Replication *int           `koanf:"replication" validate:"omitnil,min=0" doc:"Replication factor. 0: the broker's default."`
	Retention   *time.Duration `koanf:"retention" validate:"omitnil,min=0" doc:"How long messages are kept."`
	Format      *string        `koanf:"format" validate:"omitnil,oneof=json avro raw" doc:"Format of the messages."`
}

// Worker gives the settings of the handler with that name, and whether there are any.
// In names '.', '-' and '_' are equal, and so are upper and lower case.
func (s Settings) Worker(name string) (Worker, bool) { return named(s.Workers, name) }

// Topic gives the settings of the topic with that name (the one in code, without
// prefix), and whether there are any. Names are compared as in [Settings.Worker].
func (s Settings) Topic(name string) (Topic, bool) { return named(s.Topics, name) }

func named[V any](m map[string]V, name string) (V, bool) {
	want := canonicalName(name)
	if v, ok := m[want]; ok {
		return v, true
	}
	for key, v := range m {
		if canonicalName(key) == want {
			return v, true
		}
	}
	var zero V
	return zero, false
}

// canonicalName is the one spelling of all equal names; loaded maps use it as their key.
func canonicalName(name string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(strings.ToLower(name))
}

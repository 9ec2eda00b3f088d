package settings

// Messaging are the settings that concern every broker.
type Messaging struct {
	Broker           string `koanf:"broker" default:"auto" validate:"oneof=auto kafka redis memory" doc:"Broker of every topic that names none in topics.<name>.broker. auto is the one that is enabled, memory when none is; with two enabled one has to be named."`
	Format           string `koanf:"format" default:"json" validate:"oneof=json avro raw" doc:"Format of topics that name none."`
	DefaultTopic     string `koanf:"default_topic" default:"events" validate:"topicname" doc:"Topic of a send that names none."`
	EventSource      string `koanf:"event_source" validate:"omitempty,uriref" doc:"CloudEvents source. When set, published messages carry CloudEvents headers (binary mode)."`
	DeadLetterTopic  string `koanf:"dead_letter_topic" validate:"omitempty,topicname" doc:"One dead letter topic for all handlers that have none of their own. Empty: <topic>.dlq."`
	TopicPrefix      string `koanf:"topic_prefix" validate:"omitempty,topicname" doc:"Put before the name of every topic."`
	AutoCreateTopics bool   `koanf:"auto_create_topics" default:"true" production:"false" doc:"Create missing topics at start. Off: a missing topic is a fault."`
}

// BrokerOf is the broker of one topic, by its name in code: what topics.<name>.broker
// says, else [Settings.Broker].
func (s Settings) BrokerOf(topic string) string {
	if t, ok := s.Topic(topic); ok && t.Broker != nil {
		return *t.Broker
	}
	return s.Broker()
}

// Broker is the broker of every topic that names none: "kafka", "redis" or "memory".
// messaging.broker decides; with auto it is the enabled one, and memory when none is.
func (s Settings) Broker() string {
	switch {
	case s.Messaging.Broker != "auto" && s.Messaging.Broker != "":
		return s.Messaging.Broker
	case s.Kafka.Enabled:
		return "kafka"
	case s.Redis.Enabled:
		return "redis"
	}
	return "memory"
}

package settings

import "time"

// Kafka are the settings of the Kafka broker and of the schema registry. The registry
// serves every broker and needs no kafka.enabled.
type Kafka struct {
	Enabled            bool          `koanf:"enabled" default:"false" doc:"Connect to Kafka."`
	Backend            string        `koanf:"backend" default:"franz" validate:"oneof=franz sarama" doc:"Client library. aiokafka and confluent are accepted with a warning and mean franz."`
	BootstrapServers   []string      `koanf:"bootstrap_servers" default:"localhost:9092" validate:"min=1,dive,hostport" doc:"Servers to connect to first, as host:port."`
	ClientID           string        `koanf:"client_id" doc:"Name by which the broker knows this client. Empty: the service name."`
	FireAndForget      bool          `koanf:"fire_and_forget" default:"false" doc:"Let the service's own sends return before the broker has the message. Never concerns outputs of workers and dead letters."`
	SecurityProtocol   string        `koanf:"security_protocol" default:"PLAINTEXT" validate:"oneof=PLAINTEXT SSL SASL_PLAINTEXT SASL_SSL" doc:"How to connect."`
	SASLMechanism      string        `koanf:"sasl_mechanism" validate:"omitempty,oneof=PLAIN SCRAM-SHA-256 SCRAM-SHA-512 OAUTHBEARER" doc:"How to log in; needs a SASL security protocol."`
	SASLUsername       string        `koanf:"sasl_username" doc:"User for SASL; with OAUTHBEARER the client id at sasl_oauth_token_url."`
	SASLPassword       Secret        `koanf:"sasl_password" doc:"Password for SASL; with OAUTHBEARER the client secret."`
	SASLOAuthTokenURL  URL           `koanf:"sasl_oauth_token_url" validate:"omitempty,httpurl" doc:"Where OAUTHBEARER gets its tokens (client credentials)."`
	SASLOAuthScopes    []string      `koanf:"sasl_oauth_scopes" doc:"Scopes to ask for at sasl_oauth_token_url."`
	SASLOAuthToken     Secret        `koanf:"sasl_oauth_token" doc:"A token for OAUTHBEARER that is good as long as the service runs; instead of sasl_oauth_token_url."`
	SSLCAFile          File          `koanf:"ssl_cafile" doc:"Certificate authorities in PEM: a path, or the text itself. Empty: those of the system."`
	SSLCertFile        File          `koanf:"ssl_certfile" doc:"Client certificate in PEM: a path, or the text itself. Needs ssl_keyfile."`
	SSLKeyFile         File          `koanf:"ssl_keyfile" doc:"Key of the client certificate in PEM: a path, or the text itself."`
	CompressionType    string        `koanf:"compression_type" default:"none" validate:"oneof=none gzip snappy lz4 zstd" doc:"Compression of what is published."`
	Linger             time.Duration `koanf:"linger" default:"0s" validate:"min=0" doc:"How long a batch waits for more messages before it is sent."`
	MaxBatchSize       Size          `koanf:"max_batch_size" default:"16KiB" validate:"min=1" doc:"Size at which a batch is sent without further waiting. No cap: a larger message is published all the same."`
	MaxMessageBytes    Size          `koanf:"max_message_bytes" default:"1MiB" validate:"min=1" doc:"Largest message that is published; at most the topic's max.message.bytes."`
	RequestTimeout     time.Duration `koanf:"request_timeout" default:"30s" validate:"min=1ms" doc:"How long the broker may take to answer a request."`
	DeliveryTimeout    time.Duration `koanf:"delivery_timeout" default:"2m" validate:"min=1ms" doc:"How long a send waits for its acknowledgement; after that its outcome is unknown."`
	RetryBackoff       time.Duration `koanf:"retry_backoff" default:"100ms" validate:"min=0" doc:"Wait of the client before it repeats a failed request. The wait of a handler's retry is in retry and workers."`
	AutoOffsetReset    string        `koanf:"auto_offset_reset" default:"earliest" validate:"oneof=earliest latest none" doc:"Where a group without commits starts; none is an error."`
	EnableAutoCommit   bool          `koanf:"enable_auto_commit" default:"true" doc:"Commit finished messages at intervals. Off: as soon as one is finished. Unfinished ones are never committed."`
	AutoCommitInterval time.Duration `koanf:"auto_commit_interval" default:"5s" validate:"min=1ms" doc:"How often finished messages are committed."`
	MaxPollRecords     int           `koanf:"max_poll_records" default:"500" validate:"min=1" doc:"Most messages taken from the client at once."`
	SessionTimeout     time.Duration `koanf:"session_timeout" default:"10s" validate:"min=1ms" doc:"How long a member may be silent before its partitions go to others; with group_protocol consumer that is for the servers to say, and this must not be longer than their group.consumer.session.timeout.ms (45s)."`
	HeartbeatInterval  time.Duration `koanf:"heartbeat_interval" default:"3s" validate:"min=1ms" doc:"The longest time between two heartbeats of a member, which sends two a second when this is longer; at most a third of session_timeout."`
	Balancer           string        `koanf:"balancer" default:"cooperative-sticky" validate:"oneof=cooperative-sticky range" doc:"How partitions are shared out. range is needed in a group that has sarama members."`
	GroupProtocol      string        `koanf:"group_protocol" default:"classic" validate:"oneof=classic consumer" doc:"Group protocol. consumer needs Kafka 4.3, and its session and heartbeat are the broker's."`
	GroupInstanceID    string        `koanf:"group_instance_id" doc:"Static membership: a name of this instance that survives restarts. A stop does not leave the group then."`
	IsolationLevel     string        `koanf:"isolation_level" default:"read_committed" validate:"oneof=read_committed read_uncommitted" doc:"Whether messages of aborted transactions are delivered."`

	SchemaRegistryURL      []URL  `koanf:"schema_registry_url" validate:"dive,httpurl" doc:"Schema registries, tried in this order. Serves every broker."`
	SchemaRegistryUsername string `koanf:"schema_registry_username" doc:"User for basic authentication at the registry."`
	SchemaRegistryPassword Secret `koanf:"schema_registry_password" doc:"Password for basic authentication at the registry."`
	SchemaRegistryToken    Secret `koanf:"schema_registry_token" doc:"Bearer token for the registry; instead of user and password."`
	SchemaRegistryCAFile   File   `koanf:"schema_registry_cafile" doc:"Certificate authorities of the registry in PEM: a path, or the text itself."`
	SchemaRegistryCertFile File   `koanf:"schema_registry_certfile" doc:"Client certificate for the registry in PEM: a path, or the text itself. Needs schema_registry_keyfile."`
	SchemaRegistryKeyFile  File   `koanf:"schema_registry_keyfile" doc:"Key of that client certificate in PEM: a path, or the text itself."`
}

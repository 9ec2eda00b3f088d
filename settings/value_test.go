package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/settings"
)

func contains(part string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, part) }
}

func TestValuesAreListed(t *testing.T) {
	t.Parallel()
	tests := []struct{ variable, key, want string }{
		{"KAFKA_LINGER=5ms", "kafka.linger", "5ms"},
		{"KAFKA_LINGER= 0 ", "kafka.linger", "0s"},
		{"KAFKA_LINGER_MS=1500", "kafka.linger", "1.5s"},
		{"REDIS_GROUP_EXPIRY=7d", "redis.group_expiry", "168h"},
		{"REDIS_GROUP_EXPIRY=1d12h30m", "redis.group_expiry", "36h30m"},
		{"KAFKA_SESSION_TIMEOUT=60s", "kafka.session_timeout", "1m"},
		{"KAFKA_MAX_BATCH_SIZE=16384", "kafka.max_batch_size", "16KiB"},
		{"KAFKA_MAX_BATCH_SIZE=1.5MiB", "kafka.max_batch_size", "1536KiB"},
		{"KAFKA_MAX_BATCH_SIZE=1MB", "kafka.max_batch_size", "1000000"},
		{"KAFKA_MAX_BATCH_SIZE=2 GiB", "kafka.max_batch_size", "2GiB"},
		{"KAFKA_MAX_BATCH_SIZE=64k", "kafka.max_batch_size", "64KiB"},
		{"KAFKA_BOOTSTRAP_SERVERS= a:1 ,b:2", "kafka.bootstrap_servers", "a:1,b:2"},
		{`KAFKA_BOOTSTRAP_SERVERS=["a:1", "b:2"]`, "kafka.bootstrap_servers", "a:1,b:2"},
		{"KAFKA_BOOTSTRAP_SERVERS=[::1]:9092", "kafka.bootstrap_servers", "[::1]:9092"},
		{"KAFKA_FIRE_AND_FORGET=True", "kafka.fire_and_forget", "true"},
		{"KAFKA_ENABLE_AUTO_COMMIT=False", "kafka.enable_auto_commit", "false"},
		{"kafka_enable_auto_commit=off", "kafka.enable_auto_commit", "false"},
		{"KAFKA_SECURITY_PROTOCOL=ssl", "kafka.security_protocol", "SSL"},
		{"KAFKA_AUTO_OFFSET_RESET=None", "kafka.auto_offset_reset", "none"},
		{"REDIS_URL=redis://user:hunter2@h:6379/1", "redis.url", "redis://******@h:6379/1"},
		{"TOPICS__USER_EVENTS__PARTITIONS=12", "topics.user-events.partitions", "12"},
		{"TOPICS__USER_EVENTS__RETENTION_MS=604800000", "topics.user-events.retention", "168h"},
		{"WORKERS__MAILER_WELCOME__RETRY_BACKOFF=LINEAR", "workers.mailer-welcome.retry_backoff", "linear"},
	}
	for _, tt := range tests {
		t.Run(tt.variable, func(t *testing.T) {
			t.Parallel()
			if got := value(t, load(t, env(tt.variable)), tt.key).Value; got != tt.want {
				t.Errorf("%s is %q, want %q", tt.key, got, tt.want)
			}
		})
	}
}

func TestYAMLTextStaysAsWritten(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{Dir: folder(t, "config.yaml", "kafka:\n  sasl_username: 0123\n  client_id: 1.10\n  sasl_password: yes\n  group_instance_id: null\n")})
	k := l.Settings.Kafka
	if k.SASLUsername != "0123" || k.ClientID != "1.10" || k.SASLPassword.Reveal() != "yes" || k.GroupInstanceID != "" {
		t.Errorf("read %q %q %q %q", k.SASLUsername, k.ClientID, k.SASLPassword.Reveal(), k.GroupInstanceID)
	}
}

func TestYAMLAnchorsAndMerges(t *testing.T) {
	t.Parallel()
	text := "x-common: &c {concurrency: 2, max_retries: 1}\nx-other: &o {group: g, concurrency: 3}\n" +
		"workers:\n  a: {<<: *c, max_retries: 7}\n  b: *c\n  c: {<<: [*o, *c]}\n"
	got := load(t, settings.Options{Dir: folder(t, "config.yaml", text)}).Settings.Workers
	want := map[string]settings.Worker{
		"a": {Concurrency: new(2), MaxRetries: new(7)},
		"b": {Concurrency: new(2), MaxRetries: new(1)},
		"c": {Concurrency: new(3), MaxRetries: new(1), Group: new("g")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesOfThingsAreEqualInEverySpelling(t *testing.T) {
	t.Parallel()
	spellings := []settings.Options{
		env("WORKERS__MAILER_WELCOME__MAX_RETRIES=5"),
		{Set: []string{"workers.mailer-welcome.max_retries=5"}},
		{Set: []string{"workers.Mailer.Welcome.max_retries=5"}},
		{Dir: folder(t, "config.yaml", "workers:\n  mailer:\n    welcome:\n      max_retries: 5\n")},
		{Defaults: []func(*settings.Settings){func(s *settings.Settings) { s.Workers["mailer_Welcome"] = settings.Worker{MaxRetries: new(5)} }}},
	}
	for _, o := range spellings {
		s := load(t, o).Settings
		for _, name := range []string{"Mailer.Welcome", "mailer-welcome", "MAILER_WELCOME"} {
			if w, ok := s.Worker(name); !ok || w.MaxRetries == nil || *w.MaxRetries != 5 {
				t.Errorf("worker %s is %+v, %t with %+v", name, w, ok, o)
			}
		}
	}
	if _, ok := settings.Default().Topic("none"); ok {
		t.Error("found a topic that nobody set")
	}
}

func TestValueFromFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, "secret", "hunter2\n", "crlf", "hunter2\r\n", "two", "hunter2\n\n", "linger", "250\n")
	tests := []struct{ file, want string }{{"secret", "hunter2"}, {"crlf", "hunter2"}, {"two", "hunter2\n"}}
	for _, tt := range tests {
		l := load(t, env("KAFKA_SASL_PASSWORD_FILE="+filepath.Join(dir, tt.file)))
		if got := l.Settings.Kafka.SASLPassword.Reveal(); got != tt.want {
			t.Errorf("from %s: %q, want %q", tt.file, got, tt.want)
		}
		if v := value(t, l, "kafka.sasl_password"); v.Value != "******" || v.Origin != "env KAFKA_SASL_PASSWORD_FILE" {
			t.Errorf("listed as %+v", v)
		}
	}
	l := load(t, settings.Options{Dir: folder(t, "config.yaml", "kafka:\n  client_id_file: "+filepath.Join(dir, "secret"))})
	if got := l.Settings.Kafka.ClientID; got != "hunter2" {
		t.Errorf("client id from a settings file is %q", got)
	}
}

func TestUnreadableValueFileDoesNotCiteASecret(t *testing.T) {
	t.Parallel()
	got := lines(faults(t, env("KAFKA_SASL_PASSWORD_FILE=hunter2")))
	wantContains(t, got, "kafka.sasl_password cannot be read from the file in KAFKA_SASL_PASSWORD_FILE: no such file or directory (give the path of a readable file) [env KAFKA_SASL_PASSWORD_FILE]")
	if strings.Contains(got[0], "hunter2") {
		t.Error("the fault cites what may be the password")
	}
}

func TestValueFileIsBounded(t *testing.T) {
	t.Parallel()
	dir := folder(t, "large", strings.Repeat("x", 1<<20+1))
	wantContains(t, lines(faults(t, env("KAFKA_CLIENT_ID_FILE="+filepath.Join(dir, "large")))), "larger than 1MiB")
}

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{})
	if diff := cmp.Diff(settings.Default(), l.Settings); diff != "" {
		t.Error("nothing set, but: ", diff)
	}
	for key, want := range map[string]string{
		"kafka.enabled": "false", "kafka.backend": "franz", "kafka.bootstrap_servers": "localhost:9092", "kafka.client_id": "",
		"kafka.fire_and_forget": "false", "kafka.security_protocol": "PLAINTEXT", "kafka.sasl_mechanism": "", "kafka.sasl_username": "",
		"kafka.sasl_password": "", "kafka.ssl_cafile": "", "kafka.ssl_certfile": "", "kafka.ssl_keyfile": "", "kafka.compression_type": "none",
		"kafka.linger": "0s", "kafka.max_batch_size": "16KiB", "kafka.request_timeout": "30s", "kafka.retry_backoff": "100ms",
		"kafka.auto_offset_reset": "earliest", "kafka.enable_auto_commit": "true", "kafka.auto_commit_interval": "5s",
		"kafka.max_poll_records": "500", "kafka.session_timeout": "10s", "kafka.heartbeat_interval": "3s", "kafka.schema_registry_url": "",
		"kafka.max_message_bytes": "1MiB", "kafka.isolation_level": "read_committed", "kafka.balancer": "cooperative-sticky",
		"avro.default_namespace": "com.core.events", "messaging.default_topic": "events", "messaging.event_source": "", "messaging.dead_letter_topic": "",
		"messaging.broker": "auto", "messaging.format": "json", "redis.url": "redis://localhost:6379/0", "redis.lease": "15s",
		"redis.claim_idle": "1m", "redis.group_expiry": "168h", "redis.delivery": "partitioned", "redis.backend": "leat",
		"retry.max_retries": "3", "retry.backoff": "exponential", "retry.initial_delay": "1s", "retry.max_delay": "1m",
		"dispatch.max_records": "10000", "dispatch.max_bytes": "64MiB", "dispatch.max_span": "100000",
		"http.enabled": "false", "http.listen": "127.0.0.1:8081", "http.dashboard_actions": "false",
		"start.timeout": "15s", "shutdown.timeout": "20s", "log.level": "info", "log.format": "auto", "service.name": "",
	} {
		if v := value(t, l, key); v.Value != want || v.Default != want || v.Origin != "default" {
			t.Errorf("%s is %+v, want %q", key, v, want)
		}
	}
}

func TestClientIDIsTheServiceName(t *testing.T) {
	t.Parallel()
	if got := load(t, env("SERVICE_NAME=orders")).Settings.Kafka.ClientID; got != "orders" {
		t.Errorf("client id is %q", got)
	}
}

// The settings of a service that ran on the Python framework work as they are.
func TestFullExampleLoads(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/full.env")
	if err != nil {
		t.Fatal(err)
	}
	l := load(t, settings.Options{Dir: folder(t, ".env", string(text))})
	want := settings.Default()
	k := &want.Kafka
	k.Enabled, k.Backend, k.ClientID = true, "franz", "user-service"
	k.BootstrapServers = []string{"kafka1:9092", "kafka2:9092", "kafka3:9092"}
	k.SecurityProtocol, k.SASLMechanism = "SASL_SSL", "SCRAM-SHA-256"
	k.SASLUsername, k.SASLPassword = "user-service", "p@ss word#1"
	k.CompressionType, k.Linger, k.MaxBatchSize = "lz4", 5*time.Millisecond, 32768
	k.SchemaRegistryURL = []settings.URL{"https://registry1:8081", "https://registry2:8081"}
	want.Avro.DefaultNamespace = "com.example.users"
	want.Messaging.DeadLetterTopic = "dead-letter"
	if diff := cmp.Diff(want, l.Settings); diff != "" {
		t.Error(diff)
	}
	if got := l.Settings.Broker(); got != "kafka" {
		t.Errorf("broker is %s", got)
	}
	wantWarning := []string{"kafka.backend confluent is a Python client; franz is used instead (set KAFKA_BACKEND to franz or sarama) [.env]"}
	if diff := cmp.Diff(wantWarning, l.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestBrokerOfATopic(t *testing.T) {
	t.Parallel()
	s := load(t, env("KAFKA_ENABLED=1", "REDIS_ENABLED=1", "MESSAGING_BROKER=kafka", "TOPICS__USER_EVENTS__BROKER=redis")).Settings
	if got := s.BrokerOf("user.events"); got != "redis" {
		t.Errorf("user.events is on %s", got)
	}
	if got := s.BrokerOf("orders"); got != "kafka" {
		t.Errorf("orders is on %s", got)
	}
}

func TestBroker(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want string
		env  []string
	}{
		{"memory", nil},
		{"kafka", []string{"KAFKA_ENABLED=true"}},
		{"redis", []string{"REDIS_ENABLED=true"}},
		{"redis", []string{"KAFKA_ENABLED=true", "REDIS_ENABLED=true", "MESSAGING_BROKER=redis"}},
		{"memory", []string{"KAFKA_ENABLED=true", "MESSAGING_BROKER=memory"}},
		{"memory", []string{"APP_ENV=production", "MESSAGING_BROKER=memory"}},
	}
	for _, tt := range tests {
		if got := load(t, env(tt.env...)).Settings.Broker(); got != tt.want {
			t.Errorf("with %v the broker is %s, want %s", tt.env, got, tt.want)
		}
	}
}

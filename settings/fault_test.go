package settings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/settings"
)

func TestFaultsOfValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ variable, want string }{
		{"KAFKA_LINGER=soon", `kafka.linger "soon" is no duration (write a number with its unit, such as 500ms, 30s, 5m or 7d) [env KAFKA_LINGER]`},
		{"KAFKA_LINGER=5", `kafka.linger "5" is no duration (write 5ms or 5s, or give milliseconds as kafka.linger_ms) [env KAFKA_LINGER]`},
		{"KAFKA_LINGER=-5ms", `kafka.linger -5ms is out of bounds (give at least 0) [env KAFKA_LINGER]`},
		{"KAFKA_LINGER_MS=5ms", `kafka.linger "5ms" is no whole number of milliseconds (write 30000 for 30 seconds) [env KAFKA_LINGER_MS]`},
		{"KAFKA_LINGER_MS=9223372036854775807", `is no whole number of milliseconds`},
		{"REDIS_GROUP_EXPIRY=999999999d", `redis.group_expiry "999999999d" is no duration`},
		{"KAFKA_REQUEST_TIMEOUT=0", `kafka.request_timeout 0s is out of bounds (give at least 1ms)`},
		{"KAFKA_MAX_BATCH_SIZE=big", `kafka.max_batch_size "big" is no size (write bytes or a unit, such as 16384, 16KiB or 1MiB) [env KAFKA_MAX_BATCH_SIZE]`},
		{"KAFKA_MAX_BATCH_SIZE=9EiB", `kafka.max_batch_size "9EiB" is no size`},
		{"KAFKA_ENABLED=maybe", `kafka.enabled "maybe" is neither true nor false (write true or false) [env KAFKA_ENABLED]`},
		{"KAFKA_ENABLED=", `kafka.enabled "" is neither true nor false`},
		{"KAFKA_MAX_POLL_RECORDS=many", `kafka.max_poll_records "many" is no whole number (write a number)`},
		{"KAFKA_MAX_POLL_RECORDS=99999999999999999999", `kafka.max_poll_records "99999999999999999999" is out of range`},
		{"KAFKA_COMPRESSION_TYPE=brotli", `kafka.compression_type "brotli" is none of none, gzip, snappy, lz4, zstd (set KAFKA_COMPRESSION_TYPE to one of them) [env KAFKA_COMPRESSION_TYPE]`},
		{"KAFKA_COMPRESSION_TYPE=snapy", `(did you mean snappy?)`},
		{"KAFKA_BOOTSTRAP_SERVERS=", `kafka.bootstrap_servers has the wrong number of entries (give at least 1, by comma in KAFKA_BOOTSTRAP_SERVERS)`},
		{"KAFKA_BOOTSTRAP_SERVERS=a:1,,b:2", `kafka.bootstrap_servers has an empty entry at position 2 (remove it)`},
		{"KAFKA_BOOTSTRAP_SERVERS=a:1,b", `kafka.bootstrap_servers "b" is no host:port (write a host and a port, such as kafka1:9092, without a scheme)`},
		{"KAFKA_BOOTSTRAP_SERVERS=PLAINTEXT://a:1", `"PLAINTEXT://a:1" is no host:port`},
		{"KAFKA_BOOTSTRAP_SERVERS=a:0", `"a:0" is no host:port`},
		{"KAFKA_BOOTSTRAP_SERVERS=a:70000", `"a:70000" is no host:port`},
		{"KAFKA_BOOTSTRAP_SERVERS=:9092", `":9092" is no host:port`},
		{"KAFKA_SCHEMA_REGISTRY_URL=registry:8081", `kafka.schema_registry_url "registry:8081" is no http or https URL`},
		{"KAFKA_SCHEMA_REGISTRY_URL=http://a,ftp://b", `"ftp://b" is no http or https URL`},
		{"REDIS_URL=localhost:6379", `redis.url "localhost:6379" is no Redis URL`},
		{"REDIS_URL=redis://h/orders", `redis.url "redis://h/orders" is no Redis URL`},
		{"AVRO_DEFAULT_NAMESPACE=com..x", `avro.default_namespace "com..x" is no namespace`},
		{"HTTP_LISTEN=8081", `http.listen "8081" is no address to listen on`},
		{"MESSAGING_TOPIC_PREFIX=a/b", `messaging.topic_prefix "a/b" is no name of a topic`},
		{"MESSAGING_EVENT_SOURCE=a b", `messaging.event_source "a b" is no URI reference`},
		{"WORKERS__MAILER__CONCURRENCY=0", `workers.mailer.concurrency 0 is out of bounds (give at least 1) [env WORKERS__MAILER__CONCURRENCY]`},
		{"WORKERS__MAILER__BATCH_WAIT=0", `workers.mailer.batch_wait 0s is out of bounds (give at least 1ms)`},
		{"WORKERS__MAILER__GROUP=", `workers.mailer.group is empty`},
		{"TOPICS__USER_EVENTS__FORMAT=xml", `topics.user-events.format "xml" is none of json, avro, raw`},
	}
	for _, tt := range tests {
		t.Run(tt.variable, func(t *testing.T) {
			t.Parallel()
			got := lines(faults(t, env(tt.variable)))
			wantContains(t, got, tt.want)
			if len(got) != 1 {
				t.Errorf("want one fault, got %q", got)
			}
		})
	}
}

func TestRulesBetweenSettings(t *testing.T) {
	t.Parallel()
	sasl := []string{"KAFKA_ENABLED=1", "KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_MECHANISM=SCRAM-SHA-256"}
	oauth := []string{"KAFKA_ENABLED=1", "KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_MECHANISM=OAUTHBEARER"}
	tests := []struct {
		name string
		env  []string
		want []string
	}{
		{"SASL needs user and password", sasl, []string{
			"kafka.sasl_username is required with SCRAM-SHA-256 (set KAFKA_SASL_USERNAME) [default]",
			"kafka.sasl_password is required with SCRAM-SHA-256 (set KAFKA_SASL_PASSWORD) [default]",
		}},
		{"SASL needs a mechanism", []string{"KAFKA_ENABLED=1", "KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SASL_USERNAME=u", "KAFKA_SASL_PASSWORD=p"}, []string{
			"kafka.sasl_mechanism is required with SASL_SSL (set KAFKA_SASL_MECHANISM to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER) [default]",
		}},
		{"OAUTHBEARER needs a token or where to get one", oauth, []string{
			"kafka.sasl_oauth_token_url is required with OAUTHBEARER (set KAFKA_SASL_OAUTH_TOKEN_URL, or KAFKA_SASL_OAUTH_TOKEN) [default]",
		}},
		{"OAUTHBEARER takes one kind of token", append(oauth, "KAFKA_SASL_OAUTH_TOKEN=t", "KAFKA_SASL_OAUTH_TOKEN_URL=http://login"), []string{
			"kafka.sasl_oauth_token and kafka.sasl_oauth_token_url are both set (keep one of them) [env KAFKA_SASL_OAUTH_TOKEN]",
		}},
		{"tokens are got by a client with a secret", append(oauth, "KAFKA_SASL_OAUTH_TOKEN_URL=http://login"), []string{
			"kafka.sasl_username is required with kafka.sasl_oauth_token_url (set KAFKA_SASL_USERNAME) [default]",
			"kafka.sasl_password is required with kafka.sasl_oauth_token_url (set KAFKA_SASL_PASSWORD) [default]",
		}},
		{"the address of tokens is a URL", append(oauth, "KAFKA_SASL_OAUTH_TOKEN_URL=login:8080"), []string{
			`kafka.sasl_oauth_token_url "login:8080" is no http or https URL (write one such as https://host:8081) [env KAFKA_SASL_OAUTH_TOKEN_URL]`,
		}},
		{"a mechanism needs SASL", []string{"KAFKA_ENABLED=1", "KAFKA_SASL_MECHANISM=PLAIN"}, []string{
			"kafka.sasl_mechanism is PLAIN, but kafka.security_protocol is PLAINTEXT (set KAFKA_SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT) [env KAFKA_SASL_MECHANISM]",
		}},
		{"a certificate needs its key and both a file", []string{"KAFKA_ENABLED=1", "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_CERTFILE=nowhere.pem", "KAFKA_SSL_CAFILE=."}, []string{
			"kafka.ssl_keyfile is required with kafka.ssl_certfile (set KAFKA_SSL_KEYFILE) [default]",
			`kafka.ssl_certfile "nowhere.pem" cannot be opened: no such file or directory (correct the path in KAFKA_SSL_CERTFILE) [env KAFKA_SSL_CERTFILE]`,
			`kafka.ssl_cafile "." is a directory (give the path of a PEM file in KAFKA_SSL_CAFILE) [env KAFKA_SSL_CAFILE]`,
		}},
		{"a key needs its certificate", []string{"REDIS_ENABLED=1", "REDIS_TLS_KEYFILE=-----BEGIN PRIVATE KEY-----"}, []string{
			"redis.tls_certfile is required with redis.tls_keyfile (set REDIS_TLS_CERTFILE) [default]",
		}},
		{"heartbeat within a third of the session", []string{"KAFKA_ENABLED=1", "KAFKA_SESSION_TIMEOUT_MS=6000"}, []string{
			"kafka.heartbeat_interval is 3s, more than a third of kafka.session_timeout, 6s (lower KAFKA_HEARTBEAT_INTERVAL or raise KAFKA_SESSION_TIMEOUT) [default]",
		}},
		{"a fault hides what follows from it", []string{"KAFKA_ENABLED=1", "KAFKA_SESSION_TIMEOUT_MS=no", "KAFKA_HEARTBEAT_INTERVAL=9s"}, []string{
			`kafka.session_timeout "no" is no whole number of milliseconds (write 30000 for 30 seconds) [env KAFKA_SESSION_TIMEOUT_MS]`,
		}},
		{"the registry wants one kind of login", []string{"KAFKA_SCHEMA_REGISTRY_URL=http://r", "KAFKA_SCHEMA_REGISTRY_USERNAME=u", "KAFKA_SCHEMA_REGISTRY_TOKEN=t"}, []string{
			"kafka.schema_registry_token and kafka.schema_registry_username are both set (keep one of them) [env KAFKA_SCHEMA_REGISTRY_TOKEN]",
		}},
		{"the registry's user needs a password", []string{"KAFKA_SCHEMA_REGISTRY_URL=http://r", "KAFKA_SCHEMA_REGISTRY_USERNAME=u"}, []string{
			"kafka.schema_registry_password is required with kafka.schema_registry_username (set KAFKA_SCHEMA_REGISTRY_PASSWORD) [default]",
		}},
		{"sentinels need a master", []string{"REDIS_ENABLED=1", "REDIS_SENTINEL_ADDRS=a:1"}, []string{
			"redis.sentinel_master is required with redis.sentinel_addrs (set REDIS_SENTINEL_MASTER) [default]",
		}},
		{"a master needs sentinels", []string{"REDIS_ENABLED=1", "REDIS_SENTINEL_MASTER=m"}, []string{
			"redis.sentinel_addrs is required with redis.sentinel_master (set REDIS_SENTINEL_ADDRS) [default]",
		}},
		{"sentinels or cluster", []string{"REDIS_ENABLED=1", "REDIS_SENTINEL_ADDRS=a:1", "REDIS_SENTINEL_MASTER=m", "REDIS_CLUSTER=1"}, []string{
			"redis.cluster and redis.sentinel_addrs are both set (keep one of them) [env REDIS_CLUSTER]",
		}},
		{"the first wait within the longest", []string{"WORKERS__M__INITIAL_DELAY=2m", "WORKERS__M__MAX_DELAY=1m"}, []string{
			"workers.m.max_delay is 1m, less than workers.m.initial_delay, 2m (raise WORKERS__M__MAX_DELAY) [env WORKERS__M__MAX_DELAY]",
		}},
		{"two brokers need a choice", []string{"KAFKA_ENABLED=1", "REDIS_ENABLED=1"}, []string{
			"messaging.broker is auto, but kafka.enabled and redis.enabled are both true (set MESSAGING_BROKER to kafka or redis; topics.<name>.broker sends single topics to the other) [default]",
		}},
		{"a named broker is enabled", []string{"MESSAGING_BROKER=kafka"}, []string{
			"messaging.broker is kafka, which is not enabled (set KAFKA_ENABLED=true, or name another broker) [env MESSAGING_BROKER]",
		}},
		{"a topic's broker is enabled", []string{"KAFKA_ENABLED=1", "TOPICS__A__BROKER=redis"}, []string{
			"topics.a.broker is redis, which is not enabled (set REDIS_ENABLED=true, or name another broker) [env TOPICS__A__BROKER]",
		}},
		{"production names memory", []string{"APP_ENV=production"}, []string{
			"messaging.broker is auto and no broker is enabled, but in profile production messages are not kept in memory by accident (set KAFKA_ENABLED=true or REDIS_ENABLED=true, or MESSAGING_BROKER=memory) [default]",
		}},
		{"spellings agree", []string{"KAFKA_LINGER=5ms", "KAFKA_LINGER_MS=6"}, []string{
			"kafka.linger is given twice with different values, as KAFKA_LINGER [env KAFKA_LINGER] and as KAFKA_LINGER_MS (keep one of them) [env KAFKA_LINGER_MS]",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, lines(faults(t, env(tt.env...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNotEnabledIsNotChecked(t *testing.T) {
	t.Parallel()
	load(t, env("KAFKA_SECURITY_PROTOCOL=SASL_SSL", "KAFKA_SSL_CERTFILE=nowhere", "KAFKA_HEARTBEAT_INTERVAL=9s",
		"REDIS_SENTINEL_MASTER=m", "REDIS_TLS_KEYFILE=nowhere"))
}

func TestEqualSpellingsAreNoFault(t *testing.T) {
	t.Parallel()
	load(t, env("KAFKA_LINGER=5ms", "KAFKA_LINGER_MS=5"))
	load(t, settings.Options{Dir: folder(t, "config.yaml", "kafka_linger_ms: 5\nkafka: {linger: 5ms}\n")})
}

func TestEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	got := faults(t, settings.Options{
		Dir:     folder(t, "config.yaml", "kafka:\n  linger: x\n  boostrap_servers: a:1\n", ".env", "this is no assignment\nREDIS_URL=x\n"),
		Environ: []string{"KAFKA_ENABLED=1", "REDIS_ENABLED=1", "LOG_LEVEL=loud"},
		Set:     []string{"nonsense", "retry.max_retries=-1"},
	})
	keys := []string{}
	for _, f := range got {
		keys = append(keys, f.Key+" "+f.Origin)
	}
	want := []string{
		".env .env:1", "argument 1 of --set --set", "kafka.boostrap_servers config.yaml:3", "kafka.linger config.yaml:2",
		"redis.url .env", "retry.max_retries --set", "log.level env LOG_LEVEL", "messaging.broker default",
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsPrintOnePerLine(t *testing.T) {
	t.Parallel()
	_, err := settings.Load(closed(t, env("LOG_LEVEL=loud", "LOG_FORMAT=xml")))
	want := `log.level "loud" is none of debug, info, warn, error (set LOG_LEVEL to one of them) [env LOG_LEVEL]` + "\n" +
		`log.format "xml" is none of auto, text, json (set LOG_FORMAT to one of them) [env LOG_FORMAT]`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestConfigFileNeedsAKnownFormat(t *testing.T) {
	t.Parallel()
	file := folder(t, "settings.ini", "") + "/settings.ini"
	wantContains(t, lines(faults(t, settings.Options{File: file})), "settings.ini has an unknown format (give a .yaml, .toml or .json file")
}

func TestUnknownFileKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, text, want string }{
		{"slip of the pen", "config.yaml", "kafka:\n  boostrap_servers: a:1\n", "kafka.boostrap_servers is no setting (did you mean kafka.bootstrap_servers?) [config.yaml:2]"},
		{"flat spelling", "config.yaml", "\nkafka_boostrap_servers: a:1\n", "kafka_boostrap_servers is no setting (did you mean kafka_bootstrap_servers?) [config.yaml:2]"},
		{"wrong section", "config.yaml", "messaging:\n  compression_type: lz4\n", "messaging.compression_type is no setting (did you mean kafka.compression_type?) [config.yaml:2]"},
		{"no section", "config.yaml", "dead_letter_topic: x\n", "dead_letter_topic is no setting (did you mean messaging.dead_letter_topic?) [config.yaml:1]"},
		{"slip in the section", "config.json", "{\n\"kafak\": {\"linger\": \"1s\"}}", "kafak.linger is no setting (did you mean kafka.linger?) [config.json:2]"},
		{"a section is no value", "config.toml", "\nkafka = true\n", "kafka is no setting (write its keys below it, such as kafka.enabled) [config.toml:2]"},
		{"field of a worker", "config.yaml", "workers:\n  mailer:\n    max_retry: 1\n", "workers.mailer.max_retry is no setting (did you mean workers.mailer.max_retries?) [config.yaml:3]"},
		{"another field of a worker", "config.yaml", "workers:\n  mailer:\n    colour: 1\n", "workers.mailer.colour is no setting (its keys are batch_size, "},
		{"worker without name", "config.yaml", "workers:\n  group: 1\n", "workers.group is no setting (write workers.<name>.<key>) [config.yaml:2]"},
		{"nothing like it", "config.yaml", "telescope: 1\n", "telescope is no setting (remove it; the sections are avro, "},
		{"no keys at all", "config.yaml", "- hunter2\n", "config.yaml does not hold keys with values"},
		{"no YAML", "config.yaml", "a: b\nkafka: *hunter2\n", "config.yaml is no valid YAML: "},
		{"two documents", "config.yaml", "log: {}\n---\nlog: {}\n", "config.yaml holds a second document"},
		{"an endless document", "config.yaml", "a: &a\n  b: *a\n", "config.yaml is nested too deeply"},
		{"no JSON", "config.json", "{\"log\":\n{\"level\": hunter2}}", "config.json is no valid JSON: "},
		{"text after JSON", "config.json", "{} hunter2", "config.json is no valid JSON: "},
		{"no TOML", "config.toml", "[log]\nlevel = hunter2\n", "config.toml is no valid TOML: "},
		{"list for a text", "config.yaml", "log:\n  level: [info]\n", "log.level is a list (give one string) [config.yaml:2]"},
		{"list of lists", "config.yaml", "kafka:\n  bootstrap_servers: [[a]]\n", "kafka.bootstrap_servers holds more than a list of texts (give plain entries) [config.yaml:2]"},
		{"empty entry", "config.yaml", "kafka:\n  bootstrap_servers: [a:1, null]\n", "kafka.bootstrap_servers has an empty entry at position 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := lines(faults(t, settings.Options{Dir: folder(t, tt.file, tt.text)}))
			wantContains(t, got, tt.want)
			for _, line := range got {
				if contains("hunter2")(line) {
					t.Errorf("the fault cites the file: %s", line)
				}
			}
		})
	}
}

func TestSyntaxFaultsHaveLines(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{
		"config.yaml": "log:\n  level: 'x\n",
		"config.json": "{\n\"a\": x}",
		"config.toml": "[log]\nlevel = x\n",
		".env":        "A=1\n!!\n",
	} {
		got := faults(t, settings.Options{Dir: folder(t, file, text)})
		if got[0].Origin != file+":2" && file != "config.yaml" || got[0].Origin == file {
			t.Errorf("%s: origin is %s", file, got[0].Origin)
		}
	}
}

func TestUnknownSetIsAFault(t *testing.T) {
	t.Parallel()
	wantContains(t, lines(faults(t, settings.Options{Set: []string{"kafka.lingr=5ms"}})), "kafka.lingr is no setting (did you mean kafka.linger?) [--set]")
}

func TestUnknownEnvironmentNamesWarnWhenNearlyOurs(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Dir:     folder(t, ".env", "KAFKA_BOOTSTRAP_SERVER=a:1\n"),
		Environ: []string{"REDIS_URI=redis://h", "WORKERS__MAILER__MAX_RETRY=1", "KAFKA_OPTS=-Xmx1g", "KAFKA_HEAP_OPTS=x", "HOME=/root", "HTTP_PROXY=x", "PATH=/bin"},
	})
	want := []string{
		"KAFKA_BOOTSTRAP_SERVER is no setting and is ignored (did you mean KAFKA_BOOTSTRAP_SERVERS?) [.env]",
		"REDIS_URI is no setting and is ignored (did you mean REDIS_URL?) [env REDIS_URI]",
		"WORKERS__MAILER__MAX_RETRY is no setting and is ignored (did you mean WORKERS__MAILER__MAX_RETRIES?) [env WORKERS__MAILER__MAX_RETRY]",
	}
	if diff := cmp.Diff(want, l.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestKubernetesServiceVariablesAreIgnored(t *testing.T) {
	t.Parallel()
	l := load(t, env(
		"KAFKA_PORT=tcp://10.0.0.1:9092", "KAFKA_SERVICE_HOST=10.0.0.1", "KAFKA_SERVICE_PORT=9092", "KAFKA_SERVICE_PORT_CLIENT=9092",
		"KAFKA_PORT_9092_TCP=tcp://10.0.0.1:9092", "KAFKA_PORT_9092_TCP_PROTO=tcp", "KAFKA_PORT_9092_TCP_PORT=9092", "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1",
		"REDIS_PORT=tcp://10.0.0.2:6379", "REDIS_SERVICE_HOST=10.0.0.2", "HTTP_PORT=tcp://10.0.0.3:80", "LOG_PORT=tcp://10.0.0.4:1"))
	if diff := cmp.Diff(settings.Default(), l.Settings); diff != "" || len(l.Warnings) > 0 {
		t.Error(diff, l.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct{ variable, want string }{
		{"KAFKA_BACKEND=AIOKafka", "kafka.backend aiokafka is a Python client; franz is used instead"},
		{"KAFKA_FIRE_AND_FORGET=true", "kafka.fire_and_forget is on"},
		{"KAFKA_SSL_CAFILE=-----BEGIN CERTIFICATE-----", "kafka.ssl_cafile is not used, because kafka.security_protocol is PLAINTEXT"},
	}
	for _, tt := range tests {
		wantContains(t, load(t, env("KAFKA_ENABLED=true", tt.variable)).Warnings, tt.want)
	}
}

func TestEqualNamesInCodeAreAFault(t *testing.T) {
	t.Parallel()
	o := settings.Options{Defaults: []func(*settings.Settings){func(s *settings.Settings) {
		s.Topics["user.events"], s.Topics["user-events"] = settings.Topic{}, settings.Topic{}
	}}}
	wantContains(t, lines(faults(t, o)), "topics.user-events is there in two spellings, which are equal (keep one of them) [code]")
}

func TestFaultsOfCodeSayCode(t *testing.T) {
	t.Parallel()
	o := settings.Options{Defaults: []func(*settings.Settings){func(s *settings.Settings) { s.Retry.Backoff = "cubic" }}}
	wantContains(t, lines(faults(t, o)), `retry.backoff "cubic" is none of fixed, linear, exponential (set RETRY_BACKOFF to one of them) [code]`)
}

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
)

// fleet is the environment of a quickstart on a broker of its own.
type fleet struct {
	env      []string
	kafka    string
	redis    string
	registry string // "none" without
}

func onKafka(t *testing.T) fleet {
	t.Helper()
	k, err := testservers.StartKafka(t.Context(), testservers.KafkaOptions{})
	if err != nil {
		needs(t, "a real Kafka", err)
	}
	t.Cleanup(func() { _ = k.Close() })
	f := fleet{kafka: strings.Join(k.Brokers(), ","), registry: testservers.RegistryFor(t).URL}
	f.env = []string{"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + f.kafka, "KAFKA_SCHEMA_REGISTRY_URL=" + f.registry}
	return f
}

func onRedis(t *testing.T, registry bool) fleet {
	t.Helper()
	r, err := testservers.StartRedis(t.Context(), testservers.RedisOptions{})
	if err != nil {
		needs(t, "a real Redis", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	f := fleet{redis: r.URL(), registry: "none"}
	f.env = []string{"REDIS_ENABLED=true", "REDIS_URL=" + f.redis}
	if registry {
		f.registry = testservers.RegistryFor(t).URL
		f.env = append(f.env, "KAFKA_SCHEMA_REGISTRY_URL="+f.registry)
	}
	return f
}

// needs skips a test that only a real server can serve, and fails it where one is required.
func needs(t *testing.T, what string, err error) {
	t.Helper()
	if testservers.RequireReal() {
		t.Fatalf("%s is required: %v", what, err)
	}
	t.Skipf("needs %s: %v", what, err)
}

func mailFor(id int64) []string { return []string{"welcome mail sent", strconv.FormatInt(id, 10)} }

func TestQuickstartInMemory(t *testing.T) {
	t.Parallel()
	q := startQuickstart(t)
	q.hear(time.Second, "memory")
	q.hear(time.Second, mailFor(q.create("ana@example.com"))...)
	if status, body := q.post("not an address"); status != http.StatusBadRequest {
		t.Errorf("an invalid address: %d %s", status, body)
	}
	if code, took := q.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("exit code %d after %v", code, took)
	}
}

func TestQuickstartOnKafka(t *testing.T) {
	f := onKafka(t)
	q := startQuickstart(t, f.env...)
	ana := q.create("ana@example.com")
	q.hear(10*time.Second, mailFor(ana)...)

	read := outsider(t, "kafka-read", f.kafka, f.registry, "user-events", "1")[0]
	value := read["value"].(map[string]any)
	if fmt.Sprint(read["key"]) != strconv.FormatInt(ana, 10) || value["email"] != "ana@example.com" || int64(value["user_id"].(float64)) != ana {
		t.Errorf("user-events: %v", read)
	}
	value = outsider(t, "kafka-read", f.kafka, f.registry, "welcome-mails", "1")[0]["value"].(map[string]any)
	if value["email"] != "ana@example.com" || int64(value["user_id"].(float64)) != ana {
		t.Errorf("welcome-mails: %v", value)
	}

	outsider(t, "kafka-write", f.kafka, f.registry, "user-events", "eve@example.com")
	q.hear(5*time.Second, mailFor(424242)...)
	outsider(t, "kafka-write", f.kafka, f.registry, "user-events", "nobody")
	outsider(t, "kafka-bytes", f.kafka, "user-events", "ff00ff00garbage"[:8])
	q.hear(2*time.Second, mailFor(q.create("bob@example.com"))...)

	begin := time.Now()
	bounced := q.create("bounce@example.com")
	q.hear(2*time.Second, mailFor(q.create("cleo@example.com"))...)
	q.hear(30*time.Second, "dead letters", "mailbox does not exist")
	if took := time.Since(begin); took < 7*time.Second || took > 9*time.Second {
		t.Errorf("the bounced mail took %v, want 1 + 2 + 4 s", took)
	}
	kinds := map[string]map[string]any{}
	for _, d := range outsider(t, "kafka-raw", f.kafka, "user-events.dlq", "3") {
		kinds[d["headers"].(map[string]any)["leat-error-kind"].(string)] = d
	}
	for _, kind := range []string{"decode", "invalid", "handler"} {
		if kinds[kind] == nil {
			t.Fatalf("no dead letter of kind %s: %v", kind, kinds)
		}
	}
	checkBounced(t, kinds["handler"], outsider(t, "kafka-raw", f.kafka, "user-events", "7"), bounced)
	if got := kinds["decode"]["value"]; got != "ff00ff00" {
		t.Errorf("garbage became %v", got)
	}
	if code, took := q.stop(); code != 0 || took > 20*time.Second {
		t.Errorf("exit code %d after %v", code, took)
	}
}

// checkBounced compares a dead letter with the message that it was.
func checkBounced(t *testing.T, dead map[string]any, events []map[string]any, id int64) {
	t.Helper()
	headers := dead["headers"].(map[string]any)
	for k, want := range map[string]string{
		"leat-attempts": "4", "leat-handler": "Mailer.Welcome", "leat-group": "notification-service",
		"leat-original-topic": "user-events", "leat-error": "mailbox does not exist", "topic_poisoned": "user-events",
	} {
		if headers[k] != want {
			t.Errorf("header %s is %v, want %s", k, headers[k], want)
		}
	}
	for _, k := range []string{
		"leat-original-partition", "leat-original-offset", "leat-original-time", "leat-first-failed-at",
		"leat-last-failed-at", "leat-service", "reason_poisoned", "handler_poisoned", "subscriber_poisoned",
	} {
		if headers[k] == nil {
			t.Errorf("header %s is missing", k)
		}
	}
	for _, e := range events {
		if e["value"] != dead["value"] {
			continue
		}
		if e["key"] != dead["key"] {
			t.Errorf("key %v became %v", e["key"], dead["key"])
		}
		for k, v := range e["headers"].(map[string]any) {
			if headers[k] != v {
				t.Errorf("header %s was %v and is %v", k, v, headers[k])
			}
		}
		return
	}
	t.Errorf("no event of user %d has the dead letter's value %v", id, dead["value"])
}

func TestQuickstartOnRedis(t *testing.T) {
	f := onRedis(t, true)
	q := startQuickstart(t, f.env...)
	ana := q.create("ana@example.com")
	q.hear(10*time.Second, mailFor(ana)...)
	for _, stream := range []string{"user-events", "welcome-mails"} {
		value := outsider(t, "redis-read", f.redis, f.registry, stream, "1")[0]["value"].(map[string]any)
		if value["email"] != "ana@example.com" || int64(value["user_id"].(float64)) != ana {
			t.Errorf("%s: %v", stream, value)
		}
	}
	outsider(t, "redis-write", f.redis, f.registry, "user-events", "eve@example.com")
	q.hear(5*time.Second, mailFor(424242)...)
	outsider(t, "redis-write", f.redis, f.registry, "user-events", "nobody")
	outsider(t, "redis-fields", f.redis, "user-events", "some=thing")
	q.hear(2*time.Second, mailFor(q.create("bob@example.com"))...)

	begin := time.Now()
	bounced := q.create("bounce@example.com")
	q.hear(2*time.Second, mailFor(q.create("cleo@example.com"))...)
	q.hear(30*time.Second, "dead letters", "mailbox does not exist")
	if took := time.Since(begin); took < 7*time.Second || took > 9*time.Second {
		t.Errorf("the bounced mail took %v, want 1 + 2 + 4 s", took)
	}
	kinds := map[string]map[string]any{}
	for _, d := range outsider(t, "redis-raw", f.redis, "user-events.dlq", "3") {
		kinds[d["headers"].(map[string]any)["leat-error-kind"].(string)] = d
	}
	if kinds["decode"] == nil || kinds["invalid"] == nil || kinds["handler"] == nil {
		t.Fatalf("dead letters: %v", kinds)
	}
	checkBounced(t, kinds["handler"], outsider(t, "redis-raw", f.redis, "user-events", "7"), bounced)

	outsider(t, "redis-fields", f.redis, "other", "a=b") // the client is alive before and after
	flushAll(t, f.redis)
	id := q.create("dora@example.com")
	q.hear(5*time.Second, mailFor(id)...)
	if code, took := q.stop(); code != 0 || took > 20*time.Second {
		t.Errorf("exit code %d after %v", code, took)
	}
}

func TestQuickstartOnRedisWithoutARegistry(t *testing.T) {
	f := onRedis(t, false)
	q := startQuickstart(t, f.env...)
	q.hear(10*time.Second, mailFor(q.create("ana@example.com"))...)
	value := outsider(t, "redis-read", f.redis, "none", "user-events", "1")[0]["value"].(map[string]any)
	if len(fmt.Sprint(value["single_object"])) != 16 {
		t.Errorf("not a single object: %v", value)
	}
}

func TestWrongSettingsEndBeforeAnyConnection(t *testing.T) {
	t.Parallel()
	binary := program(t, "github.com/leat-go/leat/examples/quickstart")
	for name, c := range map[string]struct {
		env  []string
		file string
		want []string
	}{
		"many at once": {
			env: []string{
				"KAFKA_ENABLED=true", "KAFKA_SCHEMA_REGISTRY_URL=not a url", "KAFKA_HEARTBEAT_INTERVAL_MS=9000",
				"KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=u",
			},
			file: "kafka:\n  boostrap_servers: localhost:9092\n",
			want: []string{
				"KAFKA_SCHEMA_REGISTRY_URL", "KAFKA_HEARTBEAT_INTERVAL_MS", "KAFKA_SASL_PASSWORD", "config.yaml:2", "bootstrap_servers",
			},
		},
		"both brokers": {env: []string{"KAFKA_ENABLED=true", "REDIS_ENABLED=true"}, want: []string{"messaging.broker"}},
		"bad url":      {env: []string{"REDIS_ENABLED=true", "REDIS_URL=localhost"}, want: []string{"redis.url", "REDIS_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"run"}
			if c.file != "" {
				path := t.TempDir() + "/config.yaml"
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--config", path)
			}
			s := start(t, binary, c.env, args...)
			if code := s.exit(10 * time.Second); code != 3 {
				t.Errorf("exit code %d, want 3", code)
			}
			said := strings.Join(s.lines(), "\n")
			for _, w := range c.want {
				if !strings.Contains(said, w) {
					t.Errorf("did not name %q in:\n%s", w, said)
				}
			}
		})
	}
}

func TestNoBrokerEndsWithItsAddressAndSetting(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]string{"kafka": "KAFKA_BOOTSTRAP_SERVERS", "redis": "REDIS_URL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := freePort(t)
			value := addr
			if name == "redis" {
				value = "redis://" + addr + "/0"
			}
			s := start(t, program(t, "github.com/leat-go/leat/examples/quickstart"), []string{
				strings.ToUpper(name) + "_ENABLED=true", setting + "=" + value, "QUICKSTART_LISTEN=" + freePort(t),
			})
			if code := s.exit(30 * time.Second); code != 4 {
				t.Errorf("exit code %d, want 4", code)
			}
			if said := strings.Join(s.lines(), "\n"); !containsAll(said, []string{addr, setting}) {
				t.Errorf("address or setting is missing in:\n%s", said)
			}
		})
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	q := startQuickstart(t)
	for range 2 {
		if err := q.cmd.Process.Signal(syscall.SIGINT); err != nil && q.err == nil {
			break // gone already: it had nothing to wait for
		}
	}
	if code := q.exit(5 * time.Second); code != 0 && code != 130 {
		t.Errorf("exit code %d", code)
	}
}

package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/leat-go/leat/settings"
)

// prints shows a value in every way that a program may print it.
func prints(t *testing.T, v any) []string {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "v", v)
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "v", v)
	asJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{log.String(), string(asJSON), string(asYAML), fmt.Sprint(v)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v"} {
		all = append(all, fmt.Sprintf(verb, v))
	}
	return all
}

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	values := []any{
		settings.Secret(secret),
		[]settings.Secret{secret},
		map[string]settings.Secret{"k": secret},
		settings.Kafka{SASLPassword: secret, SchemaRegistryPassword: secret, SchemaRegistryToken: secret, SchemaRegistryURL: []settings.URL{"http://u:hunter2@h"}},
		settings.Redis{Password: secret, URL: "redis://:hunter2@h:1"},
		settings.URL("redis://user:hunter2@h:1"),
		settings.URL("redis://user:hun/ter2@hunter2@h:1"),
		settings.URL("user:hunter2@h:1"),
		settings.URL("http://h/?password=hunter2&x=1"),
		settings.File("-----BEGIN PRIVATE KEY-----\nhunter2"),
	}
	for _, v := range values {
		for _, text := range prints(t, v) {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("a %T prints as %s", v, text)
			}
		}
	}
	if got := settings.Secret(secret); got.Reveal() != secret || got.String() != "******" || got.GoString() != "******" {
		t.Errorf("the secret reveals %q and prints %s", got.Reveal(), got)
	}
	const url = "redis://u:p@h:1/0" //nolint:gosec // a made-up password
	if got := settings.URL(url); got.Reveal() != url || got.String() != "redis://******@h:1/0" {
		t.Errorf("the URL prints as %s", got)
	}
}

// Faults, warnings and lists are printed by every command, so a secret must not be in them.
func TestNoOutputHoldsASecret(t *testing.T) {
	t.Parallel()
	dir := folder(t, "config.yaml", "kafka:\n  sasl_password: hunter2\n  schema_registry_url: [\"http://u:hunter2@h\"]\nredis:\n  url: redis://u:hunter2@h\n")
	good := settings.Options{Dir: dir, Environ: []string{
		"KAFKA_ENABLED=1", "KAFKA_SASL_PASSWORD=hunter2", "KAFKA_SSL_KEYFILE=-----BEGIN PRIVATE KEY-----hunter2", "KAFKA_SSL_CERTFILE=-----BEGIN CERTIFICATE-----",
	}}
	l := load(t, good)
	for _, text := range append(prints(t, l.Values()), prints(t, l.Settings)...) {
		if strings.Contains(text, "hunter2") {
			t.Fatalf("a list holds the secret: %s", text)
		}
	}
	if strings.Contains(strings.Join(l.Warnings, "\n"), "hunter2") {
		t.Errorf("a warning holds the secret: %q", l.Warnings)
	}
	bad := settings.Options{Dir: dir, Set: []string{"hunter2", "kafka.sasl_passwort=hunter2"}, Environ: []string{
		"KAFKA_SCHEMA_REGISTRY_URL=ftp://u:hunter2@h,http://u:hunter2 @h", "REDIS_URL=redis://:hunter2@h:x", "KAFKA_BOOTSTRAP_SERVERS=u:hunter2@h:1",
		"KAFKA_SASL_PASSWORD=hunter2", "KAFKA_SASL_PASSWORD_FILE=hunter2", "KAFKA_SASL_PASSWORDS=hunter2",
	}}
	got := faults(t, bad)
	if len(got) != 7 {
		t.Errorf("want 7 faults, got\n%s", strings.Join(lines(got), "\n"))
	}
	for _, line := range lines(got) {
		if strings.Contains(line, "hunter2") {
			t.Errorf("a fault holds the secret: %s", line)
		}
	}
}

func TestFileReadsPathOrText(t *testing.T) {
	t.Parallel()
	dir := folder(t, "ca.pem", "text")
	got, err := settings.File(dir + "/ca.pem").Read()
	if err != nil || string(got) != "text" {
		t.Errorf("read %q, %v", got, err)
	}
	inline := settings.File("-----BEGIN CERTIFICATE-----")
	if got, err := inline.Read(); err != nil || string(got) != string(inline) || inline.String() != "(inline PEM)" {
		t.Errorf("read %q, %v; prints as %s", got, err, inline)
	}
	if _, err := settings.File("nowhere").Read(); !os.IsNotExist(err) {
		t.Errorf("error is %v", err)
	}
}

package settings_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/settings"
)

type mail struct {
	Host     string          `koanf:"host" default:"localhost:25" validate:"hostport" doc:"Where mail is handed in."`
	Port     int             `default:"25" doc:"Its port."`
	Password settings.Secret `koanf:"password" default:"changeme" doc:"Password of the mail server."`
	Token    string          `secret:"true"`
	Timeout  time.Duration   `koanf:"timeout" default:"5s" validate:"min=1ms"`
	Retry    struct {
		Max   uint8   `koanf:"max" default:"2"`
		Share float64 `koanf:"share" default:"0.5" validate:"lte=1"`
	} `koanf:"retry"`
	From     netip.Addr
	Keys     []settings.Secret
	Mode     string `default:"plain" production:"tls" validate:"oneof=plain tls"`
	Database string
	_        int
	Ignored  func() `koanf:"-"`
}

func (m mail) Validate() error {
	if m.Mode == "tls" && m.Port == 25 {
		return errors.New("tls needs another port than 25")
	}
	return nil
}

func section[S any](name string) settings.Section {
	return settings.Section{Name: name, Type: reflect.TypeFor[S]()}
}

func TestOwnSection(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Sections: []settings.Section{section[mail]("mail"), section[mail]("mail")},
		Dir:      folder(t, "config.yaml", "mail:\n  host: smtp:25\n  retry: {max: 9}\n"),
		Environ:  []string{"MAIL_TIMEOUT_MS=1500", "MAIL_FROM=10.0.0.1", "MAIL_KEYS=a,b", "MAIL_PORT=26", "MAIL_DATABASE=pg://me:hunter2@db/x"},
	})
	got, ok := l.Section("mail")
	m, isMail := got.(mail)
	if !ok || !isMail {
		t.Fatalf("the section is a %T", got)
	}
	want := mail{Host: "smtp:25", Port: 26, Password: "changeme", Timeout: 1500 * time.Millisecond, From: netip.MustParseAddr("10.0.0.1"), Keys: []settings.Secret{"a", "b"}, Mode: "plain", Database: "pg://me:hunter2@db/x"}
	want.Retry.Max, want.Retry.Share = 9, 0.5
	if diff := cmp.Diff(want, m, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	listed := map[string]string{}
	for _, v := range l.Values() {
		if strings.HasPrefix(v.Key, "mail.") {
			listed[v.Key] = fmt.Sprintf("%s|%s|%s|%s", v.Env, v.Value, v.Default, v.Origin)
		}
	}
	wantListed := map[string]string{
		"mail.host":        "MAIL_HOST|smtp:25|localhost:25|config.yaml:2",
		"mail.port":        "MAIL_PORT|26|25|env MAIL_PORT",
		"mail.password":    "MAIL_PASSWORD|******|******|default",
		"mail.token":       "MAIL_TOKEN|||default",
		"mail.timeout":     "MAIL_TIMEOUT|1.5s|5s|env MAIL_TIMEOUT_MS",
		"mail.retry.max":   "MAIL_RETRY_MAX|9|2|config.yaml:3",
		"mail.retry.share": "MAIL_RETRY_SHARE|0.5|0.5|default",
		"mail.from":        "MAIL_FROM|10.0.0.1||env MAIL_FROM",
		"mail.keys":        "MAIL_KEYS|******,******||env MAIL_KEYS",
		"mail.mode":        "MAIL_MODE|plain|plain|default",
		"mail.database":    "MAIL_DATABASE|pg://******@db/x||env MAIL_DATABASE",
	}
	if diff := cmp.Diff(wantListed, listed); diff != "" {
		t.Error(diff)
	}
	if _, ok := l.Section("other"); ok {
		t.Error("found a section that nobody declared")
	}
}

func TestOwnSectionFaults(t *testing.T) {
	t.Parallel()
	got := lines(faults(t, settings.Options{
		Sections: []settings.Section{section[mail]("mail")},
		Profile:  "production",
		Environ:  []string{"MESSAGING_BROKER=memory", "MAIL_HOST=smtp", "MAIL_FROM=nobody", "MAIL_RETRY_MAX=256", "MAIL_RETRY_SHARE=2", "MAIL_PORT=tcp://10.0.0.1:25"},
		Set:      []string{"mail.hots=x"},
	}))
	want := []string{
		"mail.hots is no setting (did you mean mail.host?) [--set]",
		`mail.from cannot be read: ParseAddr("nobody"): unable to parse IP (correct it) [env MAIL_FROM]`,
		`mail.retry.max "256" is out of range (write a number) [env MAIL_RETRY_MAX]`,
		`mail.host "smtp" is no host:port (write a host and a port, such as kafka1:9092, without a scheme) [env MAIL_HOST]`,
		`mail.retry.share 2 is out of bounds (give at most 1) [env MAIL_RETRY_SHARE]`,
		`mail is not valid: tls needs another port than 25 (correct the section) [env MAIL_HOST, env MAIL_RETRY_SHARE]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSectionsThatCannotBeDeclared(t *testing.T) {
	t.Parallel()
	type other struct{ A int }
	tests := []struct {
		name     string
		sections []settings.Section
		want     string
	}{
		{"no name", []settings.Section{section[mail]("My Mail")}, "My Mail is no name for a section"},
		{"no struct", []settings.Section{section[*mail]("mail")}, "mail is not declared with a struct"},
		{"no type", []settings.Section{{Name: "mail"}}, "mail is not declared with a struct"},
		{"built in", []settings.Section{section[mail]("kafka")}, "kafka is a section of leat (choose another name) [code]"},
		{"two types", []settings.Section{section[mail]("mail"), section[other]("mail")}, "mail is declared with two types"},
		{"one environment name", []settings.Section{section[struct{ B_c int }]("a"), section[struct{ C int }]("a.b")}, "a.b.c has the environment name of a.b_c, A_B_C"},
		{"Kubernetes name", []settings.Section{section[struct{ ServiceHost string }]("my")}, "my.service_host has the environment name MY_SERVICE_HOST, which Kubernetes gives to services"},
		{"unreadable type", []settings.Section{section[struct{ F map[string]int }]("my")}, "my.f has the type map[string]int, which settings cannot hold"},
		{"wrong default", []settings.Section{section[struct {
			F int `default:"x"`
		}]("my")}, `my.f "x" is no whole number (write a number) [default]`},
		{"wrong rule", []settings.Section{section[struct {
			F int `validate:"nonsense"`
		}]("my")}, "my has a validate tag that is none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantContains(t, lines(faults(t, settings.Options{Sections: tt.sections})), tt.want)
		})
	}
}

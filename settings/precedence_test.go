package settings_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/settings"
)

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	code := func(s *settings.Settings) { s.Kafka.Linger = 1 * time.Millisecond }
	steps := []struct {
		source string
		add    func(*settings.Options, *[]string)
		want   settings.Value
	}{
		{"default", func(*settings.Options, *[]string) {}, settings.Value{Value: "0s", Origin: "default"}},
		{"code", func(o *settings.Options, _ *[]string) { o.Defaults = append(o.Defaults, code) }, settings.Value{Value: "1ms", Origin: "code"}},
		{"file", func(_ *settings.Options, files *[]string) {
			*files = append(*files, "config.yaml", "kafka:\n  linger: 2ms\n")
		}, settings.Value{Value: "2ms", Origin: "config.yaml:2"}},
		{"profile file", func(_ *settings.Options, files *[]string) {
			*files = append(*files, "config.stage.toml", "[kafka]\nlinger_ms = 3\n")
		}, settings.Value{Value: "3ms", Origin: "config.stage.toml:2"}},
		{".env", func(_ *settings.Options, files *[]string) {
			*files = append(*files, ".env", "KAFKA_LINGER=4ms\n")
		}, settings.Value{Value: "4ms", Origin: ".env"}},
		{"environment", func(o *settings.Options, _ *[]string) { o.Environ = []string{"KAFKA_LINGER_MS=5"} }, settings.Value{Value: "5ms", Origin: "env KAFKA_LINGER_MS"}},
		{"--set", func(o *settings.Options, _ *[]string) { o.Set = []string{"kafka.linger=6ms"} }, settings.Value{Value: "6ms", Origin: "--set"}},
	}
	o, files := settings.Options{Profile: "stage"}, []string{}
	for _, step := range steps {
		step.add(&o, &files)
		o.Dir = folder(t, files...)
		got := value(t, load(t, o), "kafka.linger")
		if got.Value != step.want.Value || got.Origin != step.want.Origin {
			t.Errorf("with %s: %s from %s, want %s from %s", step.source, got.Value, got.Origin, step.want.Value, step.want.Origin)
		}
	}
}

func TestChainHoldsEverySource(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Dir:      folder(t, "config.yaml", "kafka_linger_ms: 2\n"),
		Defaults: []func(*settings.Settings){func(s *settings.Settings) { s.Kafka.Linger = time.Millisecond }},
		Environ:  []string{"KAFKA_LINGER=5ms"},
	})
	want := []settings.Step{{"default", "0s"}, {"code", "1ms"}, {"config.yaml:1", "2 ms"}, {"env KAFKA_LINGER", "5ms"}}
	if diff := cmp.Diff(want, value(t, l, "kafka.linger").Chain); diff != "" {
		t.Error(diff)
	}
}

func TestDotEnvNeverBeatsTheEnvironment(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Dir:     folder(t, ".env", "KAFKA_LINGER_MS=9\nLOG_LEVEL=debug\n"),
		Environ: []string{"KAFKA_LINGER=1ms"},
	})
	if got := l.Settings.Kafka.Linger; got != time.Millisecond {
		t.Errorf("linger is %s", got)
	}
	if got := l.Settings.Log.Level; got != "debug" {
		t.Errorf("level is %s: .env was not read", got)
	}
}

func TestNoDotEnvLeavesItUnread(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{Dir: folder(t, ".env", "LOG_LEVEL=debug\n"), NoDotEnv: true})
	if got := l.Settings.Log.Level; got != "info" {
		t.Errorf("level is %s", got)
	}
}

func TestAKeyOverridesThatKeyAlone(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Defaults: []func(*settings.Settings){func(s *settings.Settings) {
			s.Workers["Mailer.Welcome"] = settings.Worker{Concurrency: new(8), MaxRetries: new(1)}
		}},
		Environ: []string{"WORKERS__MAILER_WELCOME__MAX_RETRIES=5"},
	})
	got, ok := l.Settings.Worker("Mailer.Welcome")
	want := settings.Worker{Concurrency: new(8), MaxRetries: new(5)}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff, ok)
	}
	if origin := value(t, l, "workers.mailer-welcome.concurrency").Origin; origin != "code" {
		t.Errorf("origin of concurrency is %s", origin)
	}
}

func TestLastSetWins(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{Set: []string{"log.level=debug", "log.level=warn"}})
	if got := l.Settings.Log.Level; got != "warn" {
		t.Errorf("level is %s", got)
	}
}

func TestAValueThatIsOverriddenIsNoFault(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{
		Dir: folder(t, "config.yaml", "kafka:\n  linger: to be done\n"),
		Set: []string{"kafka.linger=5ms"},
	})
	if got := l.Settings.Kafka.Linger; got != 5*time.Millisecond {
		t.Errorf("linger is %s", got)
	}
}

func TestEveryFormatReadsTheSame(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"config.yaml": "kafka:\n  enabled: true\n  linger: 5ms\n  bootstrap_servers: [a:1, \"b:2\"]\nworkers:\n  mailer.welcome: {max_retries: 5}\n",
		"config.yml":  "kafka_enabled: yes\nkafka_linger_ms: 5\nKAFKA_BOOTSTRAP_SERVERS: a:1, b:2\nworkers.mailer-welcome.max_retries: 5\n",
		"config.toml": "kafka_linger_ms = 5\n[kafka]\nenabled = true\nbootstrap_servers = [\"a:1\", \"b:2\"]\n[workers.mailer_welcome]\nmax_retries = 5\n",
		"config.json": `{"$schema": "x", "kafka": {"enabled": true, "linger": "5ms", "bootstrap_servers": ["a:1", "b:2"]}, "workers": {"Mailer.Welcome": {"max_retries": 5}}}`,
	}
	want := settings.Default()
	want.Kafka.Enabled, want.Kafka.Linger, want.Kafka.BootstrapServers = true, 5*time.Millisecond, []string{"a:1", "b:2"}
	want.Workers["mailer-welcome"] = settings.Worker{MaxRetries: new(5)}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, settings.Options{Dir: folder(t, name, text)})
			if diff := cmp.Diff(want, l.Settings); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOriginsHaveLines(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"config.yaml": "# first\nlog:\n  format: text\n  level: debug\n",
		"config.toml": "# first\n[log]\nformat = 'text'\nlevel = \"debug\"\n",
		"config.json": "{\n\"log\": {\n\"format\": \"text\",\n\"level\": \"debug\"}}\n",
	}
	for name, text := range files {
		l := load(t, settings.Options{Dir: folder(t, name, text)})
		if got := value(t, l, "log.level").Origin; got != name+":4" {
			t.Errorf("origin is %s", got)
		}
	}
}

func TestConfigFileReplacesTheOthers(t *testing.T) {
	t.Parallel()
	dir := folder(t, "config.yaml", "log: {level: debug}", "config.dev.yaml", "log: {level: warn}", "other.toml", "log.format = 'json'")
	l := load(t, settings.Options{Dir: dir, File: dir + "/other.toml"})
	if got, want := l.Settings.Log, (settings.Log{Level: "info", Format: "json"}); got != want {
		t.Errorf("log is %+v", got)
	}
}

func TestConfigFileMustExist(t *testing.T) {
	t.Parallel()
	wantContains(t, lines(faults(t, settings.Options{File: "nowhere.yaml"})), "nowhere.yaml cannot be read: no such file or directory")
}

func TestTwoConfigFilesAreAFault(t *testing.T) {
	t.Parallel()
	dir := folder(t, "config.yaml", "", "config.json", "{}")
	wantContains(t, lines(faults(t, settings.Options{Dir: dir})), "config.yaml and config.json are both there (keep one of them)")
}

func TestProfile(t *testing.T) {
	t.Parallel()
	dir := folder(t, ".env", "APP_ENV=fromfile\n")
	tests := []struct {
		name string
		o    settings.Options
		want string
	}{
		{"dev by default", settings.Options{}, "dev"},
		{"from .env", settings.Options{Dir: dir}, "fromfile"},
		{"from the environment", settings.Options{Dir: dir, Environ: []string{"APP_ENV=fromenv"}}, "fromenv"},
		{"by option", settings.Options{Dir: dir, Environ: []string{"APP_ENV=fromenv"}, Profile: "given"}, "given"},
	}
	for _, tt := range tests {
		if got := load(t, tt.o).Profile; got != tt.want {
			t.Errorf("%s: profile is %s, want %s", tt.name, got, tt.want)
		}
	}
	wantContains(t, lines(faults(t, settings.Options{Profile: "../etc"})), "profile is no name")
}

func TestProductionHasItsOwnDefaults(t *testing.T) {
	t.Parallel()
	l := load(t, settings.Options{Profile: "production", Environ: []string{"KAFKA_ENABLED=true"}})
	if l.Settings.Messaging.AutoCreateTopics || l.Settings.Avro.AutoRegister {
		t.Error("production creates topics or registers schemas")
	}
	if v := value(t, l, "avro.auto_register"); v.Default != "false" || v.Origin != "default" {
		t.Errorf("auto_register is listed as %+v", v)
	}
	if warnings := load(t, settings.Options{Profile: "prod"}).Warnings; !slices.ContainsFunc(warnings, contains("only production has its own")) {
		t.Errorf("warnings are %q", warnings)
	}
}

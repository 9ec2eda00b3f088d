package app_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

func described(t *testing.T, a *app.App) []router.HandlerInfo {
	t.Helper()
	hs, err := a.Handlers()
	if err != nil {
		t.Fatal(err)
	}
	return hs
}

func TestSettingsWinOverCode(t *testing.T) {
	t.Parallel()
	a := with(t, []string{
		"SERVICE_NAME=shop", "MESSAGING_TOPIC_PREFIX=dev.", "MESSAGING_DEAD_LETTER_TOPIC=dead-letter", "RETRY_MAX_RETRIES=7",
		"WORKERS__MAILER_WELCOME__GROUP=mail", "WORKERS__MAILER_WELCOME__CONCURRENCY=9", "WORKERS__MAILER_WELCOME__MAX_RETRIES=1",
		"WORKERS__MAILER_WELCOME__DLQ_TOPIC=mail-dead", "WORKERS__SECOND__ENABLED=false",
		"WORKERS__MAILER_BATCH__BATCH_SIZE=77", "WORKERS__MAILER_BATCH__ENABLED=true",
		"TOPICS__ORDERS__NAME=orders-v2", "TOPICS__ORDERS__PARTITIONS=12", "TOPICS__RECEIPTS__FORMAT=avro", "TOPICS__RECEIPTS__RETENTION=1d",
	},
		app.Work(orders, receipts, (*Mailer).Welcome, router.Concurrency(2), router.Group("coded"), router.Retry(5, router.Fixed(time.Second))),
		app.ConsumeFunc(orders, first),
		app.ConsumeFunc(orders, second, router.Group("second")),
		app.WorkBatch(late, receipts, (*Mailer).Batch, router.DeadLetter("coded-dead")),
	)
	want := []router.HandlerInfo{
		{Name: "Mailer.Welcome", Group: "mail", Topic: "dev.orders-v2", Out: "dev.receipts", DeadLetter: "dev.mail-dead", Concurrency: 9, Retries: 1},
		{Name: "first", Group: "shop", Topic: "dev.orders-v2", DeadLetter: "dev.dead-letter", Concurrency: 4, Retries: 7},
		{Name: "Mailer.Batch", Group: "shop", Topic: "dev.orders-late", Out: "dev.receipts", DeadLetter: "coded-dead", Concurrency: 4, Retries: 7, BatchSize: 77},
	}
	if diff := cmp.Diff(want, described(t, a)); diff != "" {
		t.Error(diff)
	}
	ts, err := a.Topics()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ts {
		switch s.Name {
		case "dev.orders-v2":
			if s.Partitions != 12 || s.Format != topics.JSON {
				t.Errorf("got %+v", s)
			}
		case "dev.receipts":
			if s.Format != topics.Avro || s.Retention != 24*time.Hour {
				t.Errorf("got %+v", s)
			}
		}
	}
	if len(ts) != 3 {
		t.Errorf("topics %v", ts)
	}
}

func TestWaitsOfRetriesFollowSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		code router.Option
		want []time.Duration
	}{
		"defaults":               {nil, router.Options(), seconds(1, 2, 4)},
		"section retry":          {[]string{"RETRY_BACKOFF=linear", "RETRY_INITIAL_DELAY=3s", "RETRY_MAX_DELAY=8s"}, router.Options(), seconds(3, 6, 8)},
		"code wins over retry":   {[]string{"RETRY_BACKOFF=linear"}, router.Retry(3, router.Fixed(5*time.Second)), seconds(5, 5, 5)},
		"one key of the worker":  {[]string{"WORKERS__H__INITIAL_DELAY=2s"}, router.Retry(3, router.Linear(5*time.Second)), seconds(2, 4, 6)},
		"its growth alone":       {[]string{"WORKERS__H__RETRY_BACKOFF=exponential"}, router.Retry(3, router.Linear(5*time.Second)), seconds(5, 10, 20)},
		"its longest wait alone": {[]string{"WORKERS__H__MAX_DELAY=6s"}, router.Retry(3, router.Linear(5*time.Second)), seconds(5, 6, 6)},
	} {
		if diff := cmp.Diff(c.want, waits(t, c.env, c.code)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func seconds(ns ...int) (ds []time.Duration) {
	for _, n := range ns {
		ds = append(ds, time.Duration(n)*time.Second)
	}
	return ds
}

func TestFilesAndProfilesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "config.yaml", "service: {name: filed}\nmessaging: {broker: memory}\n")
	write(t, dir, "config.production.yaml", "workers: {first: {group: live}}\n")
	a := app.New(app.ConsumeFunc(orders, first)).In(app.Environment{
		Log: io.Discard, Settings: settings.Options{Dir: dir, Environ: []string{"APP_ENV=production"}},
	})
	if got := described(t, a)[0].Group; got != "live" {
		t.Errorf("group %s", got)
	}
	l, err := a.Settings()
	if err != nil || l.Settings.Service.Name != "filed" || l.Profile != "production" {
		t.Errorf("got %+v, %v", l, err)
	}
	cycle(t, a) // in memory no topic has to exist, in production either
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

type mail struct {
	Host string `koanf:"host" default:"localhost:25"`
}

func TestOwnSections(t *testing.T) {
	t.Parallel()
	type byName struct {
		fx.In
		Mail mail `name:"mail"`
		Ads  mail `name:"ads"`
	}
	env := []string{"MAIL_HOST=smtp:25"}
	cycle(t, with(t, env, app.Settings[mail]("mail"), app.Settings[mail]("mail"), fx.Invoke(func(m mail) {
		if m.Host != "smtp:25" {
			t.Errorf("got %+v", m)
		}
	})))
	cycle(t, with(t, env, app.Settings[mail]("mail"), app.Settings[mail]("ads"), fx.Invoke(func(b byName) {
		if b.Mail.Host != "smtp:25" || b.Ads.Host != "localhost:25" {
			t.Errorf("got %+v", b)
		}
	})))
	err := with(t, env, app.Settings[mail]("mail"), app.Settings[mail]("ads"), fx.Invoke(func(mail) {})).Start(t.Context())
	if err == nil || err.Error() != "app_test.mail is there more than once, as mail, ads: take one of them with the tag `name:\"mail\"`" {
		t.Errorf("got %v", err)
	}
}

func TestDefaultsAreBelowTheEnvironment(t *testing.T) {
	t.Parallel()
	defaults := app.Defaults(func(s *settings.Settings) {
		s.Service.Name = "coded"
		s.Retry.MaxRetries = 9
	})
	got := described(t, with(t, []string{"RETRY_MAX_RETRIES=2"}, defaults, app.ConsumeFunc(orders, first)))[0]
	if got.Group != "coded" || got.Retries != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestNameOfTheModuleIsTheServices(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"github.com/acme/billing": "billing", "github.com/acme/billing/v3": "billing", "billing": "billing", "": "", "example.com/v2x": "v2x",
	} {
		if got := app.ModuleName(module); got != want {
			t.Errorf("%q gives %q, want %q", module, got, want)
		}
	}
	if got := described(t, alone(t, app.ConsumeFunc(orders, first)))[0].Group; got != "leat" {
		t.Errorf("the default group is %q", got)
	}
}

func TestSettingsAndLogAreProvided(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	var logged *slog.Logger
	cycle(t, with(t, []string{"SERVICE_NAME=shop"},
		fx.Decorate(func(l *slog.Logger) *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }),
		fx.Populate(&logged),
		fx.Invoke(func(s settings.Settings, p *settings.Settings) {
			if s.Service.Name != "shop" || p.Service.Name != "shop" {
				t.Errorf("got %+v and %+v", s.Service, p.Service)
			}
		}),
		app.ConsumeFunc(orders, first)))
	logged.Info("mine")
	if got := log.String(); !strings.Contains(got, "msg=mine") || !strings.Contains(got, "handler=first") {
		t.Errorf("the decorated log holds %s", got)
	}
}

func TestStatusTellsHowBrokersStand(t *testing.T) {
	t.Parallel()
	a := with(t, nil, app.ConsumeFunc(orders, func(context.Context, order) error { return nil }, router.Name("h")))
	want := []app.BrokerStatus{{Name: "kafka"}, {Name: "redis"}, {Name: "memory", Configured: true}}
	if diff := cmp.Diff(want, a.Status(t.Context())); diff != "" {
		t.Errorf("before start: %s", diff)
	}
	started(t, a)
	want[2].Connected, want[2].Ready = true, true
	if diff := cmp.Diff(want, a.Status(t.Context())); diff != "" {
		t.Errorf("started: %s", diff)
	}
	kafka := with(t, []string{"KAFKA_ENABLED=true"}).Status(t.Context())
	if diff := cmp.Diff([]app.BrokerStatus{{Name: "kafka", Configured: true}, {Name: "redis"}, {Name: "memory"}}, kafka); diff != "" {
		t.Errorf("with kafka: %s", diff)
	}
	faulty := with(t, []string{"KAFKA_ENABLED=maybe"}).Status(t.Context())
	if diff := cmp.Diff([]app.BrokerStatus{{Name: "kafka"}, {Name: "redis"}, {Name: "memory"}}, faulty); diff != "" {
		t.Errorf("faulty: %s", diff)
	}
}

func TestAPartEncodesByTopicsOfTheRest(t *testing.T) {
	t.Parallel()
	type note struct {
		Text string `avro:"text"`
	}
	notes := topics.Event[note]{Name: "notes", Format: topics.Avro}
	all := fx.Options(
		app.ConsumeFunc(orders, func(ctx context.Context, _ order) error { return router.Send(ctx, "notes", note{"hi"}) }, router.Name("sender")),
		app.ConsumeFunc(notes, func(context.Context, note) error { return nil }, router.Name("reader")),
	)
	b := memory.New()
	a := app.New(all).In(app.Environment{Broker: b, Log: t.Output(), Settings: settings.Options{Dir: t.TempDir(), Environ: []string{}, NoDotEnv: true}}).
		Only(func(h router.HandlerInfo) bool { return h.Name == "sender" })
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background()) //nolint:errcheck // the record is what counts
	if _, err := router.NewProducer(a.Router()).Send(t.Context(), "orders", order{}); err != nil {
		t.Fatal(err)
	}
	for changed := b.Changed(); len(b.Records("notes")) == 0; changed = b.Changed() {
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was sent")
		}
	}
	if v := b.Records("notes")[0].Value; v[0] != 0xC3 || v[1] != 0x01 {
		t.Errorf("not Avro: %q", v)
	}
}

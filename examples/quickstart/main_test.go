package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app/apptest"
)

func TestWelcomesNewUsers(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, Service)
	apptest.Publish(t, a, Users, UserCreated{UserID: 1, Email: "ana@example.com", CreatedAt: time.Now()})
	if got := apptest.Wait(t, a, Mails, 1); got[0].UserID != 1 || got[0].Email != "ana@example.com" {
		t.Errorf("got %+v", got)
	}
}

func TestBouncesEndInTheDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // 1 + 2 + 4 seconds of waiting in no time
		a := apptest.New(t, Service)
		begin := time.Now()
		apptest.Publish(t, a, Users, UserCreated{UserID: 2, Email: "bounce@example.com", CreatedAt: begin})
		d := apptest.DeadLetters(t, a, Users, 1)[0]
		if d.Attempts != 4 || d.Key != "2" || time.Since(begin) != 7*time.Second {
			t.Errorf("got %+v after %v", d, time.Since(begin))
		}
	})
}

func TestAuditLogsTheMail(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := apptest.New(t, Service, fx.Decorate(func() *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }))
	apptest.Publish(t, a, Mails, MailSent{UserID: 3, Email: "ana@example.com", SentAt: time.Now()})
	apptest.Idle(t, a)
	if got := log.String(); !strings.Contains(got, `msg="welcome mail sent" user_id=3`) {
		t.Errorf("got %q", got)
	}
}

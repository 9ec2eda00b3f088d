// Quickstart: an HTTP request becomes an event, a worker handles it and publishes its result,
// a consumer records that. Settings decide whether it runs in memory, on Kafka or on Redis.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// What flows.

type UserCreated struct {
	UserID    int64     `avro:"user_id"`
	Email     string    `avro:"email" validate:"required,email"`
	CreatedAt time.Time `avro:"created_at"`
}

type MailSent struct {
	UserID int64     `avro:"user_id"`
	Email  string    `avro:"email"`
	SentAt time.Time `avro:"sent_at"`
}

func (e UserCreated) Key() string { return strconv.FormatInt(e.UserID, 10) }

var Users = topics.Event[UserCreated]{Name: "user-events", Key: UserCreated.Key, Format: topics.Avro}

var Mails = topics.Event[MailSent]{Name: "welcome-mails", Format: topics.Avro}

// Who handles it.

type Mailer struct{}

func (Mailer) Welcome(_ context.Context, e UserCreated) (MailSent, error) {
	if strings.Contains(e.Email, "bounce") {
		return MailSent{}, errors.New("mailbox does not exist")
	}
	return MailSent{e.UserID, e.Email, time.Now()}, nil
}

type Audit struct {
	fx.In
	Log *slog.Logger
}

func (a Audit) Record(ctx context.Context, m MailSent) error {
	a.Log.InfoContext(ctx, "welcome mail sent", "user_id", m.UserID)
	return nil
}

// Where it comes from.

type Config struct {
	Listen string `koanf:"listen" default:"127.0.0.1:8080" doc:"Address of the HTTP server."`
}

type API struct {
	fx.In
	Config Config
	Users  router.Publisher[UserCreated]
}

var lastID = time.Now().UnixMicro() // unique across restarts

func (a API) Server() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users", a.create)
	return &http.Server{Addr: a.Config.Listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
}

func (a API) create(w http.ResponseWriter, r *http.Request) {
	var e UserCreated
	_ = json.NewDecoder(r.Body).Decode(&e) // what is wrong with it, validation will say
	e.UserID, e.CreatedAt = atomic.AddInt64(&lastID, 1), time.Now()
	switch err := a.Users.Publish(r.Context(), e); {
	case errors.Is(err, router.ErrInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]int64{"user_id": e.UserID})
	}
}

var Service = fx.Options(
	app.Settings[Config]("quickstart"), app.Publish(Users), app.Serve(API.Server),
	app.Work(Users, Mails, Mailer.Welcome, router.Group("notification-service")),
	app.Consume(Mails, Audit.Record, router.Group("audit")),
)

func main() { cli.Main(app.New(Service)) }

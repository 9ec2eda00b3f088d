package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// A broker whose messages wait for a schema registry is connected, not ready, and says why.
func TestStatusNamesTheRegistryThatIsAway(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(registry.Close)
	users := topics.Event[user]{Name: "users", Key: user.Key, Format: topics.Avro}
	published := make(chan error, 1)
	a := started(t, with(t, []string{"KAFKA_SCHEMA_REGISTRY_URL=" + registry.URL, "SERVICE_NAME=shop"},
		app.Publish(users),
		app.Go(func(p router.Publisher[user], ctx context.Context) error {
			published <- p.Publish(ctx, user{"1", "ana@example.com"})
			return nil
		})))
	if err := <-published; err == nil {
		t.Fatal("published without a schema")
	}
	memory := func() app.BrokerStatus {
		status := a.Status(t.Context())
		return status[slices.IndexFunc(status, func(s app.BrokerStatus) bool { return s.Configured })]
	}
	if s := memory(); !s.Connected || s.Ready || !strings.HasPrefix(s.Reason, "avro messages wait: ") || !strings.Contains(s.Reason, registry.URL) {
		t.Errorf("status %+v", s)
	}
}

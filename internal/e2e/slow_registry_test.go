package e2e_test

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// slowRegistry is an address of a real registry that may answer too late.
func slowRegistry(t *testing.T) (address string, slow *atomic.Bool) {
	t.Helper()
	target, err := url.Parse(testservers.RegistryFor(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	slow = new(atomic.Bool)
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody sees that the client has left
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL, slow
}

// A registry that answers too late is waited for as one that is away.
func TestASlowRegistryIsWaitedFor(t *testing.T) {
	tell(t, true, func(s *story) {
		address, slow := slowRegistry(s.T)
		c, err := avro.New(avro.Config{URLs: []string{address}})
		if err != nil {
			s.Fatal(err)
		}
		producer, writing := s.keyed(testservers.RegistryFor(s.T).URL)
		r := router.New(s.b, router.Service(s.prefix), router.Logger(slog.New(slog.DiscardHandler)), router.Codec(topics.Avro, c))
		users := topics.Event[signedUp]{Name: s.name("users"), Format: topics.Avro, Partitions: 1, Key: func(u signedUp) string { return u.ID }, Namespace: strings.ReplaceAll(s.prefix, "-", "_")}
		keyBytes(s, writing, users.Name, "the registry answers")
		router.Consume(r, users, func(ctx context.Context, u signedUp) error {
			s.say("%s, attempt %d", u.ID, router.Meta(ctx).Attempt)
			return nil
		}, router.Name("read"), router.Retry(0, router.Backoff{}))
		slow.Store(true)
		s.run(r)
		send[signedUp](s, producer, users, signedUp{"ana"}, signedUp{"bob"})
		for deadline := time.Now().Add(time.Minute); r.Stats().SchemaWaits < 4; <-time.After(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				s.Fatalf("%+v", r.Stats())
			}
		}
		if err := r.Ready(); err == nil || !strings.Contains(err.Error(), address) {
			s.Errorf("ready: %v", err)
		}
		slow.Store(false)
		if diff := cmp.Diff([]string{"ana, attempt 1", "bob, attempt 1"}, s.heard(2), anyOrder); diff != "" {
			s.Error(diff)
		}
		if n := r.Stats().DeadLetters; n != 0 {
			s.Errorf("%d dead letters", n)
		}
	})
}

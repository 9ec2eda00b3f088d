package avro_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/codec/avro"
)

func TestReadyTellsOfARegistryThatIsAway(t *testing.T) {
	t.Parallel()
	registry := newFake(t)
	c := withRegistry(t, registry)
	message := encode(t, withRegistry(t, registry), ada)
	wantReady(t, c)
	for status, want := range map[int]string{http.StatusServiceUnavailable: "status 503", http.StatusUnauthorized: "check its credentials"} {
		registry.status(status)
		if _, err := decode[UserCreated](t, c, message); !isUnavailable(err) {
			t.Fatalf("got %v", err)
		}
		if err := c.Ready(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), registry.URL()) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
	registry.status(0)
	mustDecode[UserCreated](t, c, message)
	wantReady(t, c)
}

// A schema that is not there is no fault of the registry: whoever writes such messages could
// hold up a service by its readiness.
func TestReadyDespiteUnknownSchemas(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	if _, err := decode[UserCreated](t, c, unhex(t, "0000000063"+adaBody)); !isUnavailable(err) {
		t.Fatalf("got %v", err)
	}
	wantReady(t, c)
}

func TestReadyAgainWhenNobodyAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := transport(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded })
		c := newCodec(t, avro.Config{URLs: []string{"http://a"}, HTTPClient: &http.Client{Transport: down}})
		_ = c.Ping(t.Context())
		if c.Ready() == nil {
			t.Error("ready with a registry that is away")
		}
		<-time.After(16 * time.Second)
		wantReady(t, c)
		left, cancel := context.WithCancel(t.Context())
		cancel()
		_ = c.Ping(left)
		wantReady(t, c)
	})
}

func wantReady(t *testing.T, c *avro.Codec) {
	t.Helper()
	if err := c.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

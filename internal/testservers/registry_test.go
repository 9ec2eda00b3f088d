package testservers_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/internal/testservers"
)

func startRegistry(t *testing.T) *testservers.RegistryServer {
	t.Helper()
	s, err := testservers.StartRegistry(t.Context(), testservers.RegistryOptions{})
	started(t, err)
	t.Cleanup(func() { closeServer(t, s) })
	return s
}

// record returns a schema with fields that are given by name and type, as in "id:long" or "id:long=0".
func record(fields ...string) sr.Schema {
	var list []string
	for _, f := range fields {
		name, typ, _ := strings.Cut(f, ":")
		typ, def, found := strings.Cut(typ, "=")
		if found {
			def = `,"default":` + def
		}
		list = append(list, fmt.Sprintf(`{"name":%q,"type":%q%s}`, name, typ, def))
	}
	return sr.Schema{Schema: `{"type":"record","name":"Order","fields":[` + strings.Join(list, ",") + `]}`}
}

// register returns the HTTP status with which a registry answers, 200 when it takes the schema.
func register(t *testing.T, url, subject string, s sr.Schema) int {
	t.Helper()
	c, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RegisterSchema(t.Context(), subject, s, -1, -1)
	var refused *sr.ResponseError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &refused):
		return refused.StatusCode
	}
	t.Fatal(err)
	return 0
}

// wantVerdicts registers schemas that real registries and their imitations judge alike.
func wantVerdicts(t *testing.T, url string) {
	t.Helper()
	subject := testservers.Unique(t, "orders") + "-value"
	steps := []struct {
		name   string
		schema sr.Schema
		want   int
	}{
		{"a first schema is taken", record("id:long"), 200},
		{"a field with a default may be added", record("id:long", "note:string=\"\""), 200},
		{"a field without a default may not", record("id:long", "note:string=\"\"", "total:long"), 409},
		{"a type may not change", record("id:string"), 409},
		{"a schema that is registered is taken again", record("id:long", "note:string=\"\""), 200},
		{"what is no Avro is refused", sr.Schema{Schema: `{"type":"banana"}`}, 422},
	}
	for _, s := range steps {
		if got := register(t, url, subject, s.schema); got != s.want {
			t.Errorf("%s: got status %d, want %d", s.name, got, s.want)
		}
	}
}

func TestRegistryRefusesWhatBreaksReaders(t *testing.T) {
	t.Parallel()
	s := startRegistry(t)
	wantVerdicts(t, s.URL())
	if err := errors.Join(s.Kill(), s.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, s.URL()) // the level is set again
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(strings.TrimSuffix(s.URL(), "/apis/ccompat/v7"), "http://")
	if !refuses(t, host) {
		t.Errorf("something still listens at %s after Close", host)
	}
}

func TestEmbeddedRegistryJudgesLikeARealOne(t *testing.T) {
	t.Parallel()
	wantVerdicts(t, testservers.EmbeddedRegistry(t).URL)
}

package avrocheck_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leat-go/leat/internal/testservers/avrocheck"
)

// Schemas of one record: its first version, and what becomes of it.
const (
	first          = `{"type":"record","name":"O","fields":[{"name":"id","type":"long"}]}`
	optionalAdded  = `{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"n","type":"string","default":""}]}`
	requiredAdded  = `{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"n","type":"string"}]}`
	nullAdded      = `{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"n","type":["null","string"]}]}`
	nullDefault    = `{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"n","type":["null","string"],"default":null}]}`
	renamedByAlias = `{"type":"record","name":"O","fields":[{"name":"key","aliases":["id"],"type":"long"}]}`
	idRemoved      = `{"type":"record","name":"O","fields":[]}`
	widened        = `{"type":"record","name":"O","fields":[{"name":"id","type":"double"}]}`
	nestedNull     = `{"type":"record","name":"P","fields":[{"name":"os","type":{"type":"array","items":` + nullAdded + `}}]}`
	nestedFirst    = `{"type":"record","name":"P","fields":[{"name":"os","type":{"type":"array","items":` + first + `}}]}`
	referring      = `{"type":"record","name":"P","fields":[{"name":"o","type":"O"}]}`
	notAvro        = `{"type":"banana"}`
	protobuf       = `syntax = "proto3";`
)

type registry struct {
	t       *testing.T
	handler http.Handler
}

func newRegistry(t *testing.T) registry {
	t.Helper()
	return registry{t, avrocheck.Handler(srfake.NewRegistry(srfake.WithGlobalCompat(sr.CompatBackward)).Handler())}
}

// send returns status and body of the answer to a request.
func (r registry) send(method, path, body string) (int, string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	r.handler.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func (r registry) register(schema string) int {
	r.t.Helper()
	status, _ := r.send(http.MethodPost, "/subjects/s/versions", request(schema))
	return status
}

func request(schema string) string { return fmt.Sprintf(`{"schema":%q}`, schema) }

func TestHandlerKeepsTheLevelOfTheSubject(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, level string
		old         []string
		next        string
		want        int
	}{
		{"backward takes a field with default", "BACKWARD", []string{first}, optionalAdded, 200},
		{"backward refuses a field without default", "BACKWARD", []string{first}, requiredAdded, 409},
		{"backward refuses a nullable field without default", "BACKWARD", []string{first}, nullAdded, 409},
		{"backward takes a nullable field with default", "BACKWARD", []string{first}, nullDefault, 200},
		{"backward refuses such a field in a nested record", "BACKWARD", []string{nestedFirst}, nestedNull, 409},
		{"backward takes a new name with an alias", "BACKWARD", []string{first}, renamedByAlias, 200},
		{"backward takes a wider type", "BACKWARD", []string{first}, widened, 200},
		{"backward takes a removed field", "BACKWARD", []string{first}, idRemoved, 200},
		{"backward looks at the last version only", "BACKWARD", []string{requiredAdded, idRemoved}, optionalAdded, 409},
		{"forward refuses a removed field", "FORWARD", []string{first}, idRemoved, 409},
		{"forward takes a field without default", "FORWARD", []string{first}, requiredAdded, 200},
		{"forward refuses a wider type", "FORWARD", []string{first}, widened, 409},
		{"full takes a field with default", "FULL", []string{first}, optionalAdded, 200},
		{"full refuses a field without default", "FULL", []string{first}, requiredAdded, 409},
		{"full refuses a removed field", "FULL", []string{first}, idRemoved, 409},
		{"none takes everything", "NONE", []string{first}, requiredAdded, 200},
		{"transitive looks at the first version too", "BACKWARD_TRANSITIVE", []string{first, optionalAdded}, requiredAdded, 409},
		{"not transitive does not", "BACKWARD", []string{first, optionalAdded}, requiredAdded, 200},
		{"no level takes what is no Avro", "NONE", nil, notAvro, 422},
		{"a known schema is taken again", "BACKWARD", []string{first, idRemoved}, first, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			for _, old := range c.old {
				if got := r.register(old); got != 200 {
					t.Fatalf("register %s: status %d", old, got)
				}
			}
			r.send(http.MethodPut, "/config", `{"compatibility":"`+c.level+`"}`)
			if got := r.register(c.next); got != c.want {
				t.Errorf("got status %d, want %d", got, c.want)
			}
		})
	}
}

func TestHandlerGivesTheCodesOfARegistry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.register(first)
	_, incompatible := r.send(http.MethodPost, "/subjects/s/versions", request(requiredAdded))
	_, invalid := r.send(http.MethodPost, "/subjects/s/versions", request(notAvro))
	for body, code := range map[string]string{incompatible: `"error_code":409`, invalid: `"error_code":42201`} {
		if !strings.Contains(body, code) {
			t.Errorf("body %s has no %s", body, code)
		}
	}
}

func TestHandlerKeepsTheLevelOfOneSubject(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.register(first)
	if status, body := r.send(http.MethodPut, "/config/s", `{"compatibility":"NONE"}`); status != 200 {
		t.Fatal(status, body)
	}
	if got := r.register(requiredAdded); got != 200 {
		t.Errorf("got status %d, want 200 with the subject at NONE", got)
	}
}

func TestHandlerTestsWithoutRegistering(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.register(first)
	for _, path := range []string{"/compatibility/subjects/s/versions", "/compatibility/subjects/s/versions/1", "/compatibility/subjects/s/versions/latest"} {
		_, good := r.send(http.MethodPost, path, request(optionalAdded))
		_, bad := r.send(http.MethodPost, path, request(requiredAdded))
		if !strings.Contains(good, `"is_compatible":true`) || !strings.Contains(bad, `"is_compatible":false`) {
			t.Errorf("POST %s: %s for a compatible schema, %s for another", path, good, bad)
		}
	}
	if status, _ := r.send(http.MethodPost, "/compatibility/subjects/s/versions/latest", request(notAvro)); status != 422 {
		t.Errorf("status %d for what is no Avro, want 422", status)
	}
	_, versions := r.send(http.MethodGet, "/subjects/s/versions", "")
	if diff := cmp.Diff("[1]", strings.TrimSpace(versions)); diff != "" {
		t.Errorf("versions after testing (-want +got):\n%s", diff)
	}
}

func TestHandlerFollowsReferences(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.register(first)
	refer := func(version int) int {
		body := fmt.Sprintf(`{"schema":%q,"references":[{"name":"O","subject":"s","version":%d}]}`, referring, version)
		status, _ := r.send(http.MethodPost, "/subjects/p/versions", body)
		return status
	}
	if got := refer(1); got != 200 {
		t.Errorf("a reference that exists: status %d, want 200", got)
	}
	if got := refer(7); got != 422 {
		t.Errorf("a reference that does not exist: status %d, want 422", got)
	}
}

func TestHandlerPassesOtherTypesOn(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	body := fmt.Sprintf(`{"schemaType":"PROTOBUF","schema":%q}`, protobuf)
	if status, answer := r.send(http.MethodPost, "/subjects/s/versions", body); status != 200 {
		t.Errorf("status %d, want 200: %s", status, answer)
	}
}

func TestHandlerAsksWithTheCredentialsOfTheRequest(t *testing.T) {
	t.Parallel()
	fake := srfake.NewRegistry(srfake.WithAuth("Basic dTpw"))
	r := registry{t, avrocheck.Handler(fake.Handler())}
	if got := r.register(first); got != 401 {
		t.Errorf("without credentials: status %d, want 401", got)
	}
}

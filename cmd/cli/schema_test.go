package cli_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/leat-go/leat/internal/testservers"
)

func TestSessionsOnARegistry(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/registry",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			tb := e.T().(testing.TB) //nolint:forcetypeassert // testscript.Run wraps a *testing.T
			taken := testservers.EmbeddedRegistry(tb).URL
			registerText(tb, taken, "parcels-value", parcelOfAnother)
			foreign := testservers.EmbeddedRegistry(tb).URL
			registerText(tb, foreign, "badges-key", parcelOfAnother)
			e.Setenv("FOREIGN", foreign)
			e.Setenv("KAFKA_SCHEMA_REGISTRY_URL", testservers.EmbeddedRegistry(tb).URL)
			e.Setenv("TAKEN", taken)
			return nil
		},
	})
}

const parcelOfAnother = `{"schema": "{\"type\": \"record\", \"name\": \"parcel\", \"namespace\": \"com.core.events\", \"fields\": [` +
	`{\"name\": \"id\", \"type\": \"string\"}, {\"name\": \"grams\", \"type\": \"string\"}]}"}`

func registerText(t testing.TB, registry, subject, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, registry+"/subjects/"+subject+"/versions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("register %s: status %d", subject, res.StatusCode)
	}
}

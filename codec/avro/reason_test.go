package avro_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/testservers"
)

// What a registry gives as its reason is in the error, in the words of each API.
func TestRefusalSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"Confluent":             {409, `{"error_code":409,"message":"Schema is incompatible, details: [field total has no default]"}`, "409: Schema is incompatible, details: [field total has no default]"},
		"Java's exceptions":     {409, `{"error_code":409,"message":"io.x.RuleViolationException: Incompatible: total at /fields/1"}`, "409: Incompatible: total at /fields/1"},
		"a detail":              {422, `{"title":"Rule broken","detail":"total has no default","status":422}`, "422: Rule broken; total has no default"},
		"a detail said already": {422, `{"error_code":42201,"message":"bad: total","detail":"total"}`, "422: bad: total"},
		"causes": {
			409, `{"message":"refused","causes":[{"description":"no default","context":"/fields/1"},{"description":"type","context":""},{"context":"/fields/2"}]}`,
			"409: refused; no default at /fields/1; type; /fields/2",
		},
		"causes of another shape": {422, `{"message":"refused","causes":"none"}`, "422: refused"},
		"no JSON":                 {409, `<html>no</html>`, "409: <html>no</html>"},
		"a long reason":           {409, `{"message":"` + strings.Repeat("x", 900) + ` because"}`, " because"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.body(c.status, c.body)
			_, _, err := withRegistry(t, f).Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
			if err == nil || isUnavailable(err) || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("want … %s, got: %v", c.want, err)
			}
		})
	}
}

func TestRefusalIsCut(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.body(http.StatusConflict, `{"message":"`+strings.Repeat("x", 1<<20)+`"}`)
	_, _, err := withRegistry(t, f).Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
	if err == nil || len(err.Error()) > 1500 || !strings.HasSuffix(err.Error(), "…") {
		t.Errorf("got: %.2000v", err)
	}
}

// Apicurio names the place in the schema and what is wrong there.
func TestRegistryRefusalNamesThePlace(t *testing.T) {
	t.Parallel()
	server := testservers.RegistryFor(t)
	if !server.Real {
		t.Skip("the embedded registry has words of its own")
	}
	c := contractCodec(t, server.URL, true)
	s := freshTopic[UserCreated]()
	encodeTo(t, c, s, ada)
	_, _, err := c.Encode(t.Context(), nil, subject[userWrong](s.Topic), userWrong{})
	if err == nil || !strings.Contains(err.Error(), "reader type: LONG not compatible with writer type: STRING at /fields/0/type") ||
		strings.Contains(err.Error(), "RuleViolationException") {
		t.Errorf("want the place and what is wrong there, got: %v", err)
	}
	v, err := c.Judge(t.Context(), subject[userWrong](s.Topic))
	if err != nil || v.Compatible {
		t.Errorf("%+v, %v", v, err)
	}
}

package avro_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
)

// Three versions of a type as they come one after the other.
type (
	accountV1 struct {
		ID int32 `avro:"id"`
	}
	accountV2 struct {
		ID   int64   `avro:"id"`
		Name *string `avro:"name"`
	}
	accountV3 struct {
		ID string `avro:"id"`
	}
)

func (accountV1) AvroName() string { return "Account" }
func (accountV2) AvroName() string { return "Account" }
func (accountV3) AvroName() string { return "Account" }

func TestJudgeAndRegister(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t)
	c := contractCodec(t, registry.URL, false)
	topic := testservers.Unique(t, "accounts")

	first := verdict(t, c, subject[accountV1](topic))
	if want := (&avro.Verdict{Subject: topic + "-value", Level: "BACKWARD", Difference: &avro.Difference{}, Compatible: true}); !cmp.Equal(want, first) {
		t.Errorf("before the first version: %s", cmp.Diff(want, first))
	}
	was := registered(t, c, subject[accountV1](topic))
	if again := registered(t, c, subject[accountV1](topic)); again != was || was.Subject != topic+"-value" {
		t.Errorf("registered %+v, then %+v", was, again)
	}
	if v := verdict(t, c, subject[accountV1](topic)); v.Version != 1 || len(v.Difference.Changes) > 0 || !v.Compatible {
		t.Errorf("the very schema: %+v", v)
	}
	if v := verdict(t, c, subject[accountV2](topic)); !v.Compatible || v.Difference.Rollout() != avro.ConsumersFirst || v.Refusals != nil {
		t.Errorf("a wider schema: %+v", v)
	}
	if v := verdict(t, c, subject[accountV3](topic)); v.Compatible || len(v.Refusals) == 0 || v.Registered == "" {
		t.Errorf("another schema: %+v", v)
	}
	if _, err := c.Register(t.Context(), subject[accountV3](topic)); err == nil {
		t.Error("an incompatible schema was registered")
	}
}

func verdict(t *testing.T, c *avro.Codec, s codec.Subject) *avro.Verdict {
	t.Helper()
	return patiently(t, func() (*avro.Verdict, error) { return c.Judge(t.Context(), s) })
}

// patiently asks again while the registry is too busy to answer in time.
func patiently[T any](t *testing.T, ask func() (T, error)) T {
	t.Helper()
	out, err := ask()
	for range 20 {
		if !errors.Is(err, codec.ErrUnavailable) {
			break
		}
		out, err = ask()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func registered(t *testing.T, c *avro.Codec, s codec.Subject) avro.Registered {
	t.Helper()
	return patiently(t, func() (avro.Registered, error) { return c.Register(t.Context(), s) })
}

func TestJudgeNeedsARegistryThatAnswers(t *testing.T) {
	t.Parallel()
	s := subject[accountV1]("accounts")
	without := newCodec(t, avro.Config{})
	_, judged := without.Judge(t.Context(), s)
	_, kept := without.Register(t.Context(), s)
	if !errors.Is(judged, avro.ErrNoRegistry) || !errors.Is(kept, avro.ErrNoRegistry) {
		t.Errorf("without a registry: %v, %v", judged, kept)
	}
	f := newFake(t)
	f.status(http.StatusServiceUnavailable)
	c := newCodec(t, avro.Config{URLs: []string{f.URL()}})
	_, judged = c.Judge(t.Context(), s)
	_, kept = c.Register(t.Context(), s)
	if !errors.Is(judged, codec.ErrUnavailable) || !errors.Is(kept, codec.ErrUnavailable) {
		t.Errorf("registry down: %v, %v", judged, kept)
	}
}

func TestJudgeReadsReferencesOfWhatIsRegistered(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.seed("address", 1, `{"type":"record","name":"Address","namespace":"com.core.events","fields":[{"name":"zip","type":"string"}]}`)
	f.seed("people-value", 2, `{"type":"record","name":"person","namespace":"com.core.events","fields":[{"name":"home","type":"Address"}]}`,
		sr.SchemaReference{Name: "com.core.events.Address", Subject: "address", Version: 1})
	v := verdict(t, newCodec(t, avro.Config{URLs: []string{f.URL()}}), subject[person]("people"))
	want := []avro.Change{{Path: "home.zip", What: "string became long", Backward: "string cannot be read as long", Forward: "long cannot be read as string"}}
	if diff := cmp.Diff(want, v.Difference.Changes); diff != "" || v.Compatible {
		t.Errorf("compatible %t, changes (-want +got):\n%s", v.Compatible, diff)
	}
}

type person struct {
	Home home `avro:"home"`
}

type home struct {
	Zip int64 `avro:"zip"`
}

func (home) AvroName() string { return "Address" }

func TestSchemaOfASubject(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{DefaultNamespace: "shop", SubjectBy: avro.SubjectByTopicRecord})
	text, err := c.Schema(subject[accountV1]("accounts"))
	want := `{"type":"record","name":"Account","namespace":"shop","fields":[{"name":"id","type":"int"}]}`
	if text != want || err != nil {
		t.Errorf("schema %s, %v", text, err)
	}
	if name, err := c.SubjectName(subject[accountV1]("accounts")); name != "accounts-shop.Account" || err != nil {
		t.Errorf("subject %s, %v", name, err)
	}
	if _, err := c.Schema(subject[chan int]("pipes")); err == nil {
		t.Error("a channel has a schema")
	}
}

// What a registry calls incompatible must not pass here, whichever of the two is the newer one.
// Where both differ the other way, the table says so.
func TestCompareAgreesWithTheRegistry(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t)
	for i, c := range schemaPairs {
		for direction, pair := range map[string][2]string{"as it is": {c.older, c.newer}, "the other way round": {c.newer, c.older}} {
			t.Run(c.name+", "+direction, func(t *testing.T) {
				t.Parallel()
				subject := testservers.Unique(t, fmt.Sprintf("pair%d", i))
				refused := !takes(t, registry.URL, subject, pair[0], pair[1])
				d, err := avro.Compare(pair[0], pair[1])
				if err != nil {
					t.Fatal(err)
				}
				if refused && d.Backward() {
					t.Error("the registry refuses it, Compare does not")
				}
				if !refused && !d.Backward() && !c.laxRegistry {
					t.Errorf("the registry takes it, Compare does not:\n%s", d)
				}
				if back, err := avro.Compare(pair[1], pair[0]); err != nil || back.Forward() != d.Backward() {
					t.Errorf("Compare differs from itself the other way round: %v\n%s\n%s", err, d, back)
				}
			})
		}
	}
}

// takes tells whether a registry lets newer follow older under a fresh subject.
func takes(t *testing.T, url, subject, older, newer string) bool {
	t.Helper()
	post(t, url+"/subjects/"+subject+"/versions", older)
	var answer struct {
		Is bool `json:"is_compatible"`
	}
	return ask(t, url+"/compatibility/subjects/"+subject+"/versions/latest", newer, &answer) == http.StatusOK && answer.Is
}

func post(t *testing.T, url, schema string) {
	t.Helper()
	if status := ask(t, url, schema, nil); status != http.StatusOK {
		t.Fatalf("POST %s: status %d", url, status)
	}
}

func ask(t *testing.T, url, schema string, answer any) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		t.Fatal(err)
	}
	return send(t.Context(), t, url, body, answer)
}

func send(ctx context.Context, t *testing.T, url string, body []byte, answer any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer != nil && res.StatusCode == http.StatusOK {
		if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode
}

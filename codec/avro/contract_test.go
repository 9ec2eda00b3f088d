package avro_test

import (
	"context"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
)

// The same expectations for a real registry and the one that stands in for it.

func contractCodec(t *testing.T, url string, register bool) *avro.Codec {
	t.Helper()
	c := newCodec(t, avro.Config{URLs: []string{url}, AutoRegister: register})
	avro.BePatient(c)
	return c
}

// freshTopic has no subject yet, in a registry that others use too.
func freshTopic[T any]() codec.Subject {
	return subject[T]("contract-" + strconv.FormatUint(rand.Uint64(), 36))
}

func encodeTo(t *testing.T, c *avro.Codec, s codec.Subject, v any) []byte {
	t.Helper()
	data, _, err := c.Encode(t.Context(), nil, s, v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRegistryRoundTrip(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	s := freshTopic[Everything]()
	data := encodeTo(t, contractCodec(t, url, true), s, full())
	again := encodeTo(t, contractCodec(t, url, true), s, full())
	lookedUp := encodeTo(t, contractCodec(t, url, false), s, full())
	if string(data) != string(again) || string(data) != string(lookedUp) {
		t.Errorf("three ids for one schema: %x, %x, %x", data[:5], again[:5], lookedUp[:5])
	}
	got := mustDecode[Everything](t, contractCodec(t, url, false), data)
	if diff := cmp.Diff(full(), got, cmpopts.EquateEmpty(), cmp.Comparer(sameRat)); diff != "" {
		t.Error(diff)
	}
	loose := mustDecode[map[string]any](t, contractCodec(t, url, false), data)
	if price, _ := loose["Price"].(*big.Rat); price == nil || price.Cmp(big.NewRat(12345, 100)) != 0 || loose["user_id"] != "u" {
		t.Errorf("got %v", loose)
	}
}

func TestRegistryTellsUnitsApart(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	s := freshTopic[inMillis]()
	millis := encodeTo(t, contractCodec(t, url, true), s, inMillis{ada.CreatedAt})
	micros := encodeTo(t, contractCodec(t, url, true), subject[inMicros](s.Topic), inMicros{ada.CreatedAt})
	if string(millis[:5]) == string(micros[:5]) {
		t.Errorf("one id %x for two units", millis[:5])
	}
	c := contractCodec(t, url, false)
	if got := mustDecode[inMillis](t, c, millis); !got.At.Equal(ada.CreatedAt) {
		t.Errorf("got %v", got)
	}
	if _, err := decode[inMillis](t, c, micros); err == nil || isUnavailable(err) {
		t.Errorf("read microseconds as milliseconds: %v", err)
	}
	if got := mustDecode[inMicros](t, c, micros); !got.At.Equal(ada.CreatedAt) {
		t.Errorf("one service reads both: got %v", got)
	}
}

func TestRegistryRefusesWhatBreaksReaders(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	c := contractCodec(t, url, true)
	s := freshTopic[UserCreated]()
	encodeTo(t, c, s, ada)
	_, _, err := c.Encode(t.Context(), nil, subject[userWrong](s.Topic), userWrong{})
	for _, want := range []string{s.Topic + "-value", "incompatible", "user_id"} {
		if err == nil || !strings.Contains(err.Error(), want) || isUnavailable(err) {
			t.Errorf("want a permanent error with %q, got: %v", want, err)
		}
	}
}

// The level in force is that of the registry where a subject has none of its own, also once it
// has versions; a changed unit breaks it although no registry minds.
func TestRegistryJudgesByItsLevel(t *testing.T) {
	t.Parallel()
	c := contractCodec(t, testservers.RegistryFor(t).URL, true)
	s := freshTopic[inMillis]()
	for version := range 2 {
		v, err := c.Judge(t.Context(), s)
		if err != nil || v.Level != "BACKWARD" || !v.Compatible || v.Version != version {
			t.Fatalf("version %d: %+v, %v", version, v, err)
		}
		encodeTo(t, c, s, inMillis{ada.CreatedAt})
	}
	v, err := c.Judge(t.Context(), subject[inMicros](s.Topic))
	if err != nil || v.Compatible || len(v.Difference.Changes) != 1 || v.Difference.Backward() {
		t.Errorf("milliseconds became microseconds: %+v, %v", v, err)
	}
}

func TestRegistryLookUpNamesTheDifference(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	s := freshTopic[UserCreated]()
	c := contractCodec(t, url, false)
	_, _, err := c.Encode(t.Context(), nil, s, ada)
	if err == nil || !strings.Contains(err.Error(), "not registered") || isUnavailable(err) {
		t.Errorf("no subject: %v", err)
	}
	encodeTo(t, contractCodec(t, url, true), s, ada)
	_, _, err = c.Encode(t.Context(), nil, subject[userV3](s.Topic), userV3{})
	for _, want := range []string{"not registered", "+ com.core.events.UserCreated.plan string default free", "- com.core.events.UserCreated.created_at"} {
		if err == nil || !strings.Contains(err.Error(), want) || isUnavailable(err) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}

func TestRegistryUnknownID(t *testing.T) {
	t.Parallel()
	c := contractCodec(t, testservers.RegistryFor(t).URL, false)
	if _, err := decode[UserCreated](t, c, unhex(t, "007fffffff"+adaBody)); !isUnavailable(err) {
		t.Errorf("id: %v", err)
	}
	guid := headers{"__value_schema_id": append([]byte{1}, make([]byte, 16)...)}
	if err := c.Decode(t.Context(), unhex(t, adaBody), guid, new(UserCreated)); !isUnavailable(err) {
		t.Errorf("GUID: %v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRegistryReferences(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	client, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		t.Fatal(err)
	}
	topic := freshTopic[UserCreated]().Topic
	register(t, client, topic+"-zip", sr.Schema{Schema: `{"type":"record","name":"Zip","namespace":"x","fields":[{"name":"code","type":"string"}]}`})
	id := register(t, client, topic+"-value", sr.Schema{
		Schema:     `{"type":"record","name":"Home","namespace":"x","fields":[{"name":"zip","type":"x.Zip"}]}`,
		References: []sr.SchemaReference{{Name: "x.Zip", Subject: topic + "-zip", Version: 1}},
	})
	data := append([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, "\x02z"...) //nolint:gosec // an id
	got := mustDecode[map[string]any](t, contractCodec(t, url, false), data)
	if diff := cmp.Diff(map[string]any{"zip": map[string]any{"code": "z"}}, got); diff != "" {
		t.Error(diff)
	}
}

func register(t *testing.T, c *sr.Client, subject string, s sr.Schema) int {
	t.Helper()
	id, err := c.RegisterSchema(context.WithoutCancel(t.Context()), subject, s, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

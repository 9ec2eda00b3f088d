package avro_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec/avro"
)

type clock struct {
	At time.Time `avro:"at"`
}

type rawClock struct {
	At int64 `avro:"at"`
}

func (rawClock) AvroName() string { return "clock" }

type nullableClock struct {
	At *time.Time `avro:"at"`
}

func (nullableClock) AvroName() string { return "clock" }

type clocks struct {
	All  []clock          `avro:"all"`
	More map[string]clock `avro:"more"`
}

func (clocks) AvroName() string { return "clocks" }

func writtenAs(t *testing.T, schema string, v any) (*avro.Codec, []byte) {
	t.Helper()
	c := newCodec(t, avro.Config{})
	data, _, err := c.EncodeWith(t.Context(), nil, "clocks", schema, v)
	if err != nil {
		t.Fatal(err)
	}
	return c, data
}

func clockSchema(at string) string {
	return `{"type":"record","name":"clock","namespace":"com.x","fields":[{"name":"at","type":` + at + `}]}`
}

func TestAChangedUnitIsAnError(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1700000000123).UTC()
	micros := `{"type":"long","logicalType":"timestamp-micros"}`
	for name, schema := range map[string]string{
		"micros":               clockSchema(micros),
		"no unit":              clockSchema(`"long"`),
		"local":                clockSchema(`{"type":"long","logicalType":"local-timestamp-millis"}`),
		"in a union":           clockSchema(`["null",` + micros + `]`),
		"beside the name":      `{"type":"record","name":"clock","fields":[{"name":"at","type":"long","logicalType":"timestamp-micros"}]}`,
		"an int that is wider": clockSchema(`{"type":"int","logicalType":"date"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v any = at
			if name == "no unit" {
				v = at.UnixMilli()
			}
			c, data := writtenAs(t, schema, map[string]any{"at": v})
			_, err := decode[clock](t, c, data)
			if err == nil || !strings.Contains(err.Error(), "at: written as") || isUnavailable(err) {
				t.Errorf("into a time: %v", err)
			}
			if _, err := decode[nullableClock](t, c, data); err == nil {
				t.Error("into a pointer to a time")
			}
			if _, err := decode[map[string]any](t, c, data); err != nil {
				t.Errorf("into a map: %v", err)
			}
		})
	}
}

func TestAChangedUnitInAListIsAnError(t *testing.T) {
	t.Parallel()
	of := `{"type":"record","name":"clocks","fields":[{"name":"all","type":{"type":"array","items":` +
		clockSchema(`{"type":"long","logicalType":"timestamp-millis"}`) + `}},{"name":"more","type":{"type":"map","values":` +
		`{"type":"record","name":"clock","namespace":"com.y","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}]}}}]}`
	c, data := writtenAs(t, of, map[string]any{"all": []any{}, "more": map[string]any{}})
	_, err := decode[clocks](t, c, data)
	if err == nil || !strings.Contains(err.Error(), ".more[].at") {
		t.Errorf("got: %v", err)
	}
}

func TestAnIntegerReadsAnyUnit(t *testing.T) {
	t.Parallel()
	c, data := writtenAs(t, clockSchema(`{"type":"long","logicalType":"timestamp-micros"}`), map[string]any{"at": time.UnixMicro(7)})
	if got := mustDecode[rawClock](t, c, data); got.At != 7 {
		t.Errorf("got %d", got.At)
	}
}

type userV2 struct {
	UserID   string  `avro:"user_id"`
	Nickname *string `avro:"nickname"`
	Level    int32   `avro:"level,default=5"`
	Name     string  `avro:"name,alias=email"`
}

func (userV2) AvroName() string { return "UserCreated" }

type userV3 struct {
	UserID string `json:"user_id"`
	Email  string `json:"email"`
	Plan   string `json:"plan" avro:",default=free"`
}

func (userV3) AvroName() string { return "UserCreated" }

type userStrict struct {
	UserID string `avro:"user_id"`
	New    string `avro:"new"`
}

func (userStrict) AvroName() string { return "UserCreated" }

type userWrong struct {
	UserID int64 `avro:"user_id"`
}

func (userWrong) AvroName() string { return "UserCreated" }

func TestSchemasEvolve(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	data := encode(t, c, ada)
	if got := mustDecode[userV2](t, c, data); got != (userV2{UserID: "u1", Level: 5, Name: ada.Email}) {
		t.Errorf("a new pointer, a default, an alias: got %+v", got)
	}
	if got := mustDecode[userV3](t, c, data); got != (userV3{"u1", ada.Email, "free"}) {
		t.Errorf("names from JSON tags: got %+v", got)
	}
	for _, err := range []error{c.Decode(t.Context(), data, nil, new(userStrict)), c.Decode(t.Context(), data, nil, new(userWrong)), c.Decode(t.Context(), data, nil, new(Plain))} {
		if err == nil || isUnavailable(err) {
			t.Errorf("an incompatible reader: %v", err)
		}
	}
}

func TestJSONNamesGoOut(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	data := encode(t, c, userV3{"u", "e", "p"})
	got := mustDecode[map[string]any](t, c, data)
	if len(got) != 3 || got["user_id"] != "u" || got["email"] != "e" || got["plan"] != "p" {
		t.Errorf("got %v", got)
	}
	fromMap, _, err := c.Encode(t.Context(), nil, subject[userV3]("users"), map[string]any{"user_id": "u", "email": "e", "plan": "p"})
	if err != nil || string(fromMap) != string(data) {
		t.Errorf("from a map: %x, %v", fromMap, err)
	}
}

func TestWritersOfAnotherNamespaceAreRead(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.SeedSchema("s", 1, 1, sr.Schema{Schema: `{"type":"record","name":"UserCreated","namespace":"org.else","fields":[{"name":"extra","type":{"type":"array","items":"string"}},
		{"name":"created_at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"email","type":"string"},{"name":"user_id","type":"string"}]}`})
	got := mustDecode[UserCreated](t, withRegistry(t, f), unhex(t, "0000000001"+"02026100"+"02"+"0265"+"0275"))
	if got.UserID != "u" || got.Email != "e" || got.CreatedAt.UnixMilli() != 1 {
		t.Errorf("got %v", got)
	}
}

type nested struct {
	Names []string
	More  map[string]*nested
	Any   map[string]string
	Bytes []byte
	Skip  string `avro:"-"`
}

func TestTextMustBeUTF8(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for want, v := range map[string]nested{
		".Names[1]":        {Names: []string{"ok", "\xff"}},
		".More.k.Names[0]": {More: map[string]*nested{"k": {Names: []string{"\xff"}}}},
		`.More."\xff"`:     {More: map[string]*nested{"\xff": {}}},
		`.Any.k`:           {Any: map[string]string{"k": "\xff"}},
		"":                 {Names: []string{"ü"}, Bytes: []byte{0xff}, Skip: "\xff"},
	} {
		_, _, err := c.Encode(t.Context(), nil, subject[nested]("t"), v)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
	_, _, err := c.Encode(t.Context(), nil, subject[Plain]("t"), map[string]any{"A": "\xff"})
	if err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("a map: %v", err)
	}
}

package cli

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

type parcel struct {
	ID     string `json:"id"     avro:"id"`
	Weight int64  `json:"weight" avro:"weight"`
}

func testDecoder(t *testing.T) (decoder, []byte) {
	t.Helper()
	c, err := avro.New(avro.Config{})
	if err != nil {
		t.Fatal(err)
	}
	subject := codec.Subject{Topic: "parcels", Type: reflect.TypeFor[parcel]()}
	object, _, err := c.Encode(t.Context(), nil, subject, parcel{"a", 7})
	if err != nil {
		t.Fatal(err)
	}
	return decoder{avro: c, declared: map[string]topics.Spec{
		"parcels": {Name: "parcels", Format: topics.Avro, Type: subject.Type},
		"bytes":   {Name: "bytes", Format: topics.Raw},
		"orders":  {Name: "orders", Format: topics.JSON},
	}}, object
}

func TestValuesAreDecoded(t *testing.T) {
	t.Parallel()
	d, object := testDecoder(t)
	for name, c := range map[string]struct {
		topic string
		value []byte
		want  string
		fails bool
	}{
		"a tombstone is null":                       {topic: "orders", value: nil, want: `null`},
		"an empty value is a text":                  {topic: "any", value: []byte{}, want: `""`},
		"JSON stays as it was written":              {topic: "orders", value: []byte(`{ "n": 12345678901234567890 }`), want: `{"n":12345678901234567890}`},
		"JSON on a topic that nobody declares":      {topic: "any", value: []byte(`[1, 2]`), want: `[1,2]`},
		"what is not JSON on a JSON topic is shown": {topic: "orders", value: []byte(`{"n"`), want: `"{\"n\""`, fails: true},
		"Avro of a declared topic":                  {topic: "parcels", value: object, want: `{"id":"a","weight":7}`},
		"Avro that is none":                         {topic: "parcels", value: []byte("x"), want: `"x"`, fails: true},
		"Avro of a known schema on any topic":       {topic: "any", value: object, want: `{"id":"a","weight":7}`},
		"raw JSON is a text":                        {topic: "bytes", value: []byte(`{"n":1}`), want: `"{\"n\":1}"`},
		"text":                                      {topic: "any", value: []byte("hello\nworld"), want: `"hello\nworld"`},
		"bytes are base64":                          {topic: "any", value: []byte{0xff, 0, 1}, want: `"/wAB"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := d.message(t.Context(), &broker.Record{Topic: c.topic, Value: c.value})
			if string(m.Value) != c.want || (m.Error != "") != c.fails {
				t.Errorf("got %s with error %q, want %s, error: %v", m.Value, m.Error, c.want, c.fails)
			}
		})
	}
}

func TestMessageHasStableFields(t *testing.T) {
	t.Parallel()
	d, _ := testDecoder(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 5000, time.FixedZone("", 3600))
	r := &broker.Record{
		Topic: "orders", Partition: 2, Offset: "41", Key: []byte("k"), Value: []byte(`{}`), Time: at,
		Headers: broker.Headers{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte{0xff}}},
	}
	got, err := json.Marshal(d.message(t.Context(), r))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"topic":"orders","partition":2,"offset":"41","key":"k","headers":{"a":"1","b":"/w=="},` +
		`"time":"2026-03-01T11:00:00.000005Z","value":{}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	r.Key = nil
	if m := d.message(t.Context(), r); m.Key != nil {
		t.Errorf("a message without a key shows key %q", *m.Key)
	}
}

func FuzzDecodeAlwaysGivesJSON(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte{0, 0, 0, 0, 1, 2})
	f.Add([]byte{0xC3, 1, 2})
	f.Fuzz(func(t *testing.T, value []byte) {
		d, _ := testDecoder(t)
		for _, topic := range []string{"orders", "parcels", "bytes", "any"} {
			m := d.message(t.Context(), &broker.Record{Topic: topic, Value: value, Key: value})
			if b, err := json.Marshal(m); err != nil || !json.Valid(b) {
				t.Errorf("%s: %v in %s", topic, err, b)
			}
		}
	})
}

func TestKeysAreDecoded(t *testing.T) {
	t.Parallel()
	d, _ := testDecoder(t)
	d.declared["keyed"] = topics.Spec{Name: "keyed", Format: topics.JSON, KeyFormat: topics.Avro}
	object, err := d.avro.(codec.KeyCodec).EncodeKey(t.Context(), nil, "keyed", "ann")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		topic string
		key   []byte
		want  string
		fails bool
	}{
		"Avro of a declared topic":            {topic: "keyed", key: object, want: "ann"},
		"text on a topic with Avro keys":      {topic: "keyed", key: []byte("ann"), want: "ann", fails: true},
		"Avro on a topic that nobody knows":   {topic: "any", key: object, want: "ann"},
		"what only looks like Avro":           {topic: "any", key: []byte("\xc3\x01x"), want: "wwF4"},
		"Avro on a topic with text keys":      {topic: "orders", key: object, want: "wwHHA0VjckgBjwZhbm4="},
		"text":                                {topic: "any", key: []byte("ann"), want: "ann"},
		"an empty key of a topic with a form": {topic: "keyed", key: []byte{}, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := d.message(t.Context(), &broker.Record{Topic: c.topic, Key: c.key, Value: []byte(`{"n":1}`)})
			if m.Key == nil || *m.Key != c.want || (m.Error != "") != c.fails || string(m.Value) != `{"n":1}` {
				t.Errorf("%+v", m)
			}
		})
	}
}

package avro_test

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

func encodeKey(t testing.TB, c *avro.Codec, topic, key string) []byte {
	t.Helper()
	data, err := c.EncodeKey(t.Context(), nil, topic, key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyed is a codec whose registry has a schema under id 1, and the prefix of its keys.
func keyed(t testing.TB, schema string) (*avro.Codec, []byte) {
	t.Helper()
	f := newFake(t)
	f.seed("orders-key", 1, schema)
	return withRegistry(t, f), []byte{0, 0, 0, 0, 1}
}

func TestAKeyIsAnAvroStringOfItsOwnSubject(t *testing.T) {
	t.Parallel()
	for _, by := range []avro.SubjectBy{"", avro.SubjectByRecord, avro.SubjectByTopicRecord} {
		f := newFake(t)
		c := newCodec(t, avro.Config{URLs: []string{f.URL()}, AutoRegister: true, SubjectBy: by})
		data := append([]byte("kept"), encodeKey(t, c, "orders", "küche")...)
		if got := string(data); got != "kept\x00\x00\x00\x00\x01\x0cküche" {
			t.Errorf("by %q: %x", by, got)
		}
		latest, err := c.Judge(t.Context(), codec.Subject{Topic: "orders", Type: reflect.TypeFor[codec.Key]()})
		if err != nil || latest.Subject != "orders-key" || latest.Registered != `"string"` || !latest.Compatible {
			t.Errorf("by %q: %+v %v", by, latest, err)
		}
		if text, err := c.DecodeKey(t.Context(), "orders", data[len("kept"):], nil); text != "küche" || err != nil {
			t.Errorf("by %q: %q %v", by, text, err)
		}
	}
}

func TestAKeyIsASingleObjectWithoutARegistry(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	data := encodeKey(t, c, "orders", "a")
	if !strings.HasPrefix(string(data), "\xc3\x01") || len(data) != 12 {
		t.Errorf("%x", data)
	}
	if text, err := newCodec(t, avro.Config{}).DecodeKey(t.Context(), "orders", data, nil); text != "a" || err != nil {
		t.Errorf("a reader that has written none: %q %v", text, err)
	}
}

func TestKeysOfTheSteadyStateAskNobody(t *testing.T) {
	f := newFake(t)
	c := withRegistry(t, f)
	data := encodeKey(t, c, "orders", "customer-7")
	before := f.calls.Load()
	dst := make([]byte, 0, 64)
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := c.EncodeKey(t.Context(), dst, "orders", "customer-7"); err != nil {
			t.Fatal(err)
		}
	})
	if calls := f.calls.Load() - before; calls != 0 || allocs != 0 {
		t.Errorf("encode: %d calls, %v allocations", calls, allocs)
	}
	allocs = testing.AllocsPerRun(1000, func() {
		if _, err := c.DecodeKey(t.Context(), "orders", data, nil); err != nil {
			t.Fatal(err)
		}
	})
	if calls := f.calls.Load() - before; calls != 0 || allocs > 1 {
		t.Errorf("decode: %d calls, %v allocations", calls, allocs)
	}
}

func TestKeysOfAnySchemaAreText(t *testing.T) {
	t.Parallel()
	const clock = `{"type":"record","name":"K","fields":[{"name":"shop","type":"int"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"id","type":["null","string"]},{"name":"b","type":"bytes"},{"name":"d","type":"double"},{"name":"no","type":"boolean"},{"name":"l","type":{"type":"array","items":"string"}}]}`
	for _, c := range []struct{ name, schema, body, want string }{
		{"string", `"string"`, "\x06abc", "abc"},
		{"empty string", `"string"`, "\x00", ""},
		{"string in an object", `{"type":"string","avro.java.string":"String"}`, "\x06abc", "abc"},
		{"int", `"int"`, "\x0d", "-7"},
		{"long", `"long"`, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "9223372036854775807"},
		{"boolean", `"boolean"`, "\x01", "true"},
		{"float", `"float"`, "\x00\x00\x80\x3e", "0.25"},
		{"double", `"double"`, "\x00\x00\x00\x00\x00\x00\xf8\x7f", "NaN"},
		{"bytes", `"bytes"`, "\x04\x00\xff", "AP8="},
		{"fixed", `{"type":"fixed","name":"F","size":2}`, "\x00\xff", "AP8="},
		{"enum", `{"type":"enum","name":"E","symbols":["RED","BLUE"]}`, "\x02", "BLUE"},
		{"null", `"null"`, "", ""},
		{"union", `["null","string"]`, "\x02\x02a", "a"},
		{"null of a union", `["null","string"]`, "\x00", ""},
		{"uuid as text", `{"type":"string","logicalType":"uuid"}`, "\x48" + "0188a5eb-6ae2-7b9f-8f4e-000000000001", "0188a5eb-6ae2-7b9f-8f4e-000000000001"},
		{"uuid", `{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, "\x01\x88\xa5\xeb\x6a\xe2\x7b\x9f\x8f\x4e\x00\x00\x00\x00\x00\x01", "0188a5eb-6ae2-7b9f-8f4e-000000000001"},
		{"time", `{"type":"long","logicalType":"timestamp-millis"}`, num(1700000000123), "2023-11-14T22:13:20.123Z"},
		{"time of day", `{"type":"int","logicalType":"time-millis"}`, num(61001), "1m1.001s"},
		{"duration", `{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`, "\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00", "P1M2DT0.003S"},
		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}`, "\x04\x04\xe2", "12.5"},
		{"array", `{"type":"array","items":"int"}`, "\x04\x02\x04\x00", "[1,2]"},
		{"map", `{"type":"map","values":"long"}`, "\x04\x02b\x02\x02a\x04\x00", `{"a":2,"b":1}`},
		{"record of one string", `{"type":"record","name":"K","fields":[{"name":"id","type":"string"}]}`, "\x02a", `{"id":"a"}`},
		{"record without fields", `{"type":"record","name":"K","fields":[]}`, "", `{}`},
		{
			"record", clock, "\x0e" + num(0) + "\x02\x08a\"<\n" + "\x02\xff" + "\x00\x00\x00\x00\x00\x00\xf0\x7f" + "\x00" + "\x02\x02x\x00",
			`{"at":"1970-01-01T00:00:00Z","b":"/w==","d":"Infinity","id":"a\"<\n","l":["x"],"no":false,"shop":7}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			codec, frame := keyed(t, c.schema)
			text, err := codec.DecodeKey(t.Context(), "orders", append(frame, c.body...), nil)
			if text != c.want || err != nil {
				t.Errorf("%q %v, want %q", text, err, c.want)
			}
		})
	}
}

// The fingerprints are those of Avro's own tests (share/test/data/schema-tests.txt).
func TestPlainSingleObjectKeysNeedNoRegistry(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]string{
		"text": "\xc3\x01\xc7\x03\x45\x63\x72\x48\x01\x8f\x08text",
		"-7":   "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72\x0d",
		"7":    "\xc3\x01\xb7\x1d\xf4\x93\x44\xe1\x54\xd0\x0e",
	} {
		if text, err := newCodec(t, avro.Config{}).DecodeKey(t.Context(), "orders", []byte(key), nil); text != want || err != nil {
			t.Errorf("%q %v, want %s", text, err, want)
		}
	}
}

func TestAKeyNamesItsSchemaInAHeader(t *testing.T) {
	t.Parallel()
	guid := append([]byte{1}, slices.Repeat([]byte{0xAB}, 16)...)
	asked := ""
	c := newCodec(t, avro.Config{URLs: []string{"http://registry"}, HTTPClient: &http.Client{
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.Path
			return scripted{asked: schemaAnswer(`"long"`)}.RoundTrip(r)
		}),
	}})
	text, err := c.DecodeKey(t.Context(), "orders", []byte("\x0e"), headers{"__key_schema_id": guid, "__value_schema_id": nil})
	if text != "7" || err != nil || asked != "/schemas/guids/abababab-abab-abab-abab-abababababab" {
		t.Errorf("%q %v, asked for %s", text, err, asked)
	}
	if _, err := c.DecodeKey(t.Context(), "orders", []byte("\x0e"), headers{"__value_schema_id": guid}); err == nil {
		t.Error("the header of the value was taken for the key's")
	}
}

func TestATextKeyIsToldFromAvro(t *testing.T) {
	t.Parallel()
	c, _ := keyed(t, `"string"`)
	for _, key := range []string{"customer-7", "Ä", `{"id":1}`, "\xc3", "\x01"} {
		_, err := c.DecodeKey(t.Context(), "orders", []byte(key), nil)
		want := "key of topic orders: it is not Avro: have its producer write Avro keys, or leave KeyFormat out of the topic if its keys are text"
		if err == nil || err.Error() != want || isUnavailable(err) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestKeysThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	if data, err := c.EncodeKey(t.Context(), []byte("kept"), "orders", "\xff"); err == nil || string(data) != "kept" ||
		err.Error() != "encode key for orders as Avro: it is not UTF-8" {
		t.Errorf("%q %v", data, err)
	}
	f := newFake(t)
	f.seed("orders-key", 1, `"long"`)
	readOnly := newCodec(t, avro.Config{URLs: []string{f.URL()}})
	_, err := readOnly.EncodeKey(t.Context(), nil, "orders", "a")
	if err == nil || isUnavailable(err) || !strings.Contains(err.Error(), "schema of subject orders-key is not registered") {
		t.Errorf("a key of another schema: %v", err)
	}
}

func TestKeysWaitForTheirRegistry(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	data := encodeKey(t, withRegistry(t, f), "orders", "a")
	cold := withRegistry(t, f)
	f.status(http.StatusServiceUnavailable)
	if _, err := cold.DecodeKey(t.Context(), "orders", data, nil); !isUnavailable(err) {
		t.Errorf("decode: %v", err)
	}
	if _, err := cold.EncodeKey(t.Context(), nil, "orders", "a"); !isUnavailable(err) {
		t.Errorf("encode: %v", err)
	}
	if err := cold.Ready(); err == nil {
		t.Error("ready while keys wait")
	}
	f.status(0)
	if text, err := cold.DecodeKey(t.Context(), "orders", data, nil); text != "a" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}

func TestTheSubjectOfKeysHasAllThatValuesHave(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := newCodec(t, avro.Config{URLs: []string{f.URL()}})
	s := codec.Subject{Topic: "orders", Type: reflect.TypeFor[codec.Key]()}
	text, err := c.Schema(s)
	name, err2 := c.SubjectName(s)
	if text != `"string"` || name != "orders-key" || errors.Join(err, err2, c.Check(s)) != nil {
		t.Errorf("%s %s %v %v", text, name, err, err2)
	}
	if _, err := c.EncodeKey(t.Context(), nil, "orders", "a"); err == nil {
		t.Error("encoded without a registered schema")
	}
	kept, err := c.Register(t.Context(), s)
	if diff := cmp.Diff(avro.Registered{Subject: "orders-key", ID: 1}, kept); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	if err := newCodec(t, avro.Config{URLs: []string{f.URL()}}).Prepare(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// TestHostileKeys is not parallel: what others allocate would count.
func TestHostileKeys(t *testing.T) {
	symbol := strings.Repeat("S", 200<<10)
	enum := `{"type":"enum","name":"E","symbols":["` + symbol + `"]}`
	for _, h := range []struct{ name, schema, key, want string }{
		{"nothing after the id", `"string"`, "\x00\x00\x00\x00\x01", "cut off"},
		{"half of an id", `"string"`, "\x00\x00\x00", "the prefix alone has 5"},
		{"id 0, the key of a LongSerializer", `"string"`, "\x00\x00\x00\x00\x00\x00\x00\x07", "no registry gives out this id"},
		{"a negative id", `"string"`, "\x00\xff\xff\xff\xff\x02a", "no registry gives out this id"},
		{"an unknown id", `"string"`, "\x00\x00\x00\x00\x63\x02a", "unavailable"},
		{"half of a fingerprint", `"string"`, "\xc3\x01abc", "header of a single object"},
		{"an unknown fingerprint", `"string"`, "\xc3\x01abcdefgh\x02a", "no type of this service"},
		{"a length beyond the end", `"string"`, "\x00\x00\x00\x00\x01\x08a", "cut off"},
		{"a huge length", `"string"`, "\x00\x00\x00\x00\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"},
		{"a negative length", `"string"`, "\x00\x00\x00\x00\x01\x01", "cut off"},
		{"a length without an end", `"string"`, "\x00\x00\x00\x00\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", "cut off"},
		{"bytes behind a string", `"string"`, "\x00\x00\x00\x00\x01\x02ab", "1 bytes are left over"},
		{"text that is not UTF-8", `"string"`, "\x00\x00\x00\x00\x01\x02\xff", "not UTF-8"},
		{"bytes behind a number", `"long"`, "\x00\x00\x00\x00\x01\x02\x00", "left over"},
		{"a number without an end", `"long"`, "\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""},
		{"a branch out of range", `["null","string"]`, "\x00\x00\x00\x00\x01\x04", ""},
		{"a symbol out of range", `{"type":"enum","name":"E","symbols":["A"]}`, "\x00\x00\x00\x00\x01\x02", ""},
		{"text in a record that is not UTF-8", box(`"string"`), "\x00\x00\x00\x00\x01\x02\xff", "not UTF-8"},
		{"a list of a billion items", `{"type":"array","items":"int"}`, "\x00\x00\x00\x00\x01\x80\xa8\xd6\xb9\x07", ""},
		{"items without bytes", `{"type":"array","items":"null"}`, "\x00\x00\x00\x00\x01\x80\xa8\xd6\xb9\x07\x00", "refused"},
		{"a list of names that are long", `{"type":"array","items":` + enum + `}`, "\x00\x00\x00\x00\x01" + num(10_000) + strings.Repeat("\x00", 10_001), "more than 1048576 bytes"},
		{"a field name that is long", `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"` + symbol + `","type":"int"}]}}`, "\x00\x00\x00\x00\x01" + num(10_000) + strings.Repeat("\x00", 10_001), "more than 1048576 bytes"},
		{"long decimals", `{"type":"array","items":{"type":"bytes","logicalType":"decimal","precision":1000,"scale":1000}}`, "\x00\x00\x00\x00\x01" + num(5_000) + strings.Repeat("\x02\x01", 5_000) + "\x00", "more than 1048576 bytes"},
		{"a decimal without a bound", `{"type":"bytes","logicalType":"big-decimal"}`, "\x00\x00\x00\x00\x01\x02\x01", "big-decimal has no bound"},
		{"a list in a list in a list", `{"type":"record","name":"T","fields":[{"name":"t","type":{"type":"array","items":"T"}}]}`, "\x00\x00\x00\x00\x01" + strings.Repeat("\x02", 100_000), ""},
		{"a schema that is none", `{"type":"record"}`, "\x00\x00\x00\x00\x01\x02a", ""},
	} {
		t.Run(h.name, func(t *testing.T) {
			c, _ := keyed(t, h.schema)
			var text string
			err := guarded(t, func() (err error) {
				text, err = c.DecodeKey(t.Context(), "orders", []byte(h.key), nil)
				return err
			})
			if err == nil || text != "" || !strings.HasPrefix(err.Error(), "key of topic orders: ") || !strings.Contains(err.Error(), h.want) {
				t.Errorf("%d bytes of text, error %v; want %q", len(text), err, h.want)
			}
			if isUnavailable(err) != (h.want == "unavailable") {
				t.Errorf("who is at fault? %v", err)
			}
		})
	}
}

// FuzzKey reads any key of several schemas. What can be read is UTF-8, the same each time, and
// no truncated string is one.
func FuzzKey(f *testing.F) {
	schemas := []string{
		`"string"`, `"long"`, `["null","string","bytes"]`, `{"type":"map","values":{"type":"array","items":"double"}}`,
		`{"type":"record","name":"K","fields":[{"name":"a","type":"string"},{"name":"b","type":["null","K"]},{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}}]}`,
		`{"type":"bytes","logicalType":"decimal","precision":40,"scale":20}`, `{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`,
	}
	registry := scripted{}
	for i, s := range schemas {
		registry["/schemas/ids/"+strconv.Itoa(i+1)] = schemaAnswer(s)
	}
	for i, body := range []string{"\x06abc", "\x0e", "\x02\x02a", "\x02\x02a\x02\x00\x00\x00\x00\x00\x00\xf8\x7f\x00\x00", "\x02a\x02\x02b\x00\x00\x00", "\x04\x04\xe2", "abcdefghijkl"} {
		f.Add(append([]byte{0, 0, 0, 0, byte(i + 1)}, body...), []byte(nil))
	}
	f.Add([]byte("customer-7"), append([]byte{1}, make([]byte, 16)...))
	f.Add(encodeKey(f, newCodec(f, avro.Config{}), "k", "single"), []byte(nil))
	f.Fuzz(func(t *testing.T, data, header []byte) {
		c, plain := registry.codec(t), newCodec(t, avro.Config{}) // what one remembers would be another input's coverage, which is never minimized
		var h codec.Headers
		if header != nil {
			h = headers{"__key_schema_id": header}
		}
		text, err := c.DecodeKey(t.Context(), "k", data, h)
		if err != nil && text != "" || !utf8.ValidString(text) {
			t.Errorf("%q %v", text, err)
		}
		if again, err2 := c.DecodeKey(t.Context(), "k", data, h); again != text || (err == nil) != (err2 == nil) {
			t.Errorf("%q %v, then %q %v", text, err, again, err2)
		}
		if !utf8.ValidString(string(data)) || len(data) == 0 {
			return
		}
		own := encodeKey(t, plain, "k", string(data))
		if text, err := plain.DecodeKey(t.Context(), "k", own, nil); text != string(data) || err != nil {
			t.Errorf("%q came back as %q %v", data, text, err)
		}
		if text, err := plain.DecodeKey(t.Context(), "k", own[:len(own)-1], nil); err == nil {
			t.Errorf("a truncated key reads as %q", text)
		}
	})
}

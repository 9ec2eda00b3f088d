package hamba_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/codec/hamba"
	"github.com/leat-go/leat/codec/internal/golden"
)

func newCodec(t *testing.T, cfg hamba.Config) *hamba.Codec {
	t.Helper()
	c, err := hamba.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func withRegistry(t *testing.T) hamba.Config {
	t.Helper()
	f := srfake.New()
	t.Cleanup(f.Close)
	return hamba.Config{URLs: []string{f.URL()}, AutoRegister: true}
}

func subject(v any) codec.Subject {
	return codec.Subject{Topic: "golden", Type: reflect.TypeOf(v)}
}

func sameRat(a, b big.Rat) bool { return a.Cmp(&b) == 0 }

// cannot says why a vector is beyond hamba.
var cannot = map[string]string{
	"money":      "it decodes a pointer into a big.Rat that is a value",
	"everything": "it holds money",
	"nanos":      "it takes timestamp-nanos for a plain long, which is no time.Time",
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range golden.Vectors() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			f := readFile(t, v.Name)
			for kind, want := range map[string]string{"single object": f.Single, "registry": f.Confluent} {
				cfg := hamba.Config{}
				if kind == "registry" {
					cfg = withRegistry(t)
				}
				wantBoth(t, v, cfg, want)
			}
		})
	}
}

func readFile(t *testing.T, name string) (f golden.File) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "avro", "testdata", "golden", name+".json"))
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// wantBoth wants the golden bytes read, and what hamba writes read by codec/avro. hamba
// writes lists with their length in bytes, so its own bytes may differ.
func wantBoth(t *testing.T, v golden.Vector, cfg hamba.Config, want string) {
	t.Helper()
	c := newCodec(t, cfg)
	data, _, err := c.Encode(t.Context(), []byte("before"), subject(v.Value), v.Value)
	if why := cannot[v.Name]; why != "" {
		wantBeyond(t, c, v, err, want, why)
		return
	}
	if err != nil || !strings.HasPrefix(string(data), "before") {
		t.Fatalf("%q, %v", data, err)
	}
	other, err := avro.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	message, err := hex.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, other, v, data[len("before"):])
	wantRead(t, c, v, data[len("before"):])
	wantRead(t, c, v, message)
}

// wantBeyond wants a vector neither written nor read: one that works is to be taken off the list.
func wantBeyond(t *testing.T, c codec.Codec, v golden.Vector, encoding error, message, why string) {
	t.Helper()
	if encoding == nil {
		t.Errorf("hamba can write it now, so take it off the list: %s", why)
	}
	data, err := hex.DecodeString(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(t.Context(), data, nil, reflect.New(reflect.TypeOf(v.Value)).Interface()); err == nil {
		t.Errorf("hamba can read it now, so take it off the list: %s", why)
	}
}

func wantRead(t *testing.T, c codec.Codec, v golden.Vector, message []byte) {
	t.Helper()
	into := reflect.New(reflect.TypeOf(v.Value))
	if err := c.Decode(t.Context(), message, nil, into.Interface()); err != nil {
		t.Fatalf("%T: %v", c, err)
	}
	if diff := cmp.Diff(v.Value, into.Elem().Interface(), cmp.Comparer(sameRat)); diff != "" {
		t.Errorf("%T: %s", c, diff)
	}
}

type small struct {
	ID int64 `avro:"id"`
}

func (small) AvroName() string { return "Event" }

type large struct {
	ID   int64  `avro:"id"`
	Note string `avro:"note,default=none"`
}

func (large) AvroName() string { return "Event" }

func TestSchemasEvolve(t *testing.T) {
	t.Parallel()
	c := newCodec(t, withRegistry(t))
	data, _, err := c.Encode(t.Context(), nil, subject(small{}), small{7})
	if err != nil {
		t.Fatal(err)
	}
	var got large
	if err := c.Decode(t.Context(), data, nil, &got); err != nil || got != (large{7, "none"}) {
		t.Errorf("got %v, %v", got, err)
	}
	var loose map[string]any
	if err := c.Decode(t.Context(), data, nil, &loose); err != nil || loose["id"] != int64(7) {
		t.Errorf("got %v, %v", loose, err)
	}
}

func TestBytesThatAreNotWhole(t *testing.T) {
	t.Parallel()
	c := newCodec(t, hamba.Config{})
	data, _, err := c.Encode(t.Context(), nil, subject(large{}), large{1 << 40, "a note"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		var got large
		if err := c.Decode(t.Context(), data[:n], nil, &got); err == nil || got != (large{}) || errors.Is(err, codec.ErrUnavailable) {
			t.Errorf("%d of %d bytes: %v, %v", n, len(data), got, err)
		}
	}
	if err := c.Decode(t.Context(), append(data, 0), nil, new(large)); err == nil || !strings.Contains(err.Error(), "left over") {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestRegistryThatIsDown(t *testing.T) {
	t.Parallel()
	f := srfake.New()
	f.Close()
	c := newCodec(t, hamba.Config{URLs: []string{f.URL()}, AutoRegister: true})
	if _, _, err := c.Encode(t.Context(), nil, subject(small{}), small{}); !errors.Is(err, codec.ErrUnavailable) {
		t.Errorf("encode: %v", err)
	}
	if err := c.Decode(t.Context(), []byte("\x00\x00\x00\x00\x01\x02"), nil, new(small)); !errors.Is(err, codec.ErrUnavailable) {
		t.Errorf("decode: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c := newCodec(t, hamba.Config{})
	if err := c.Check(subject(large{})); err != nil {
		t.Error(err)
	}
	if err := c.Check(subject(struct{ C chan int }{})); err == nil {
		t.Error("a channel has no schema")
	}
	if err := c.Check(subject(golden.Everything{})); err == nil || !strings.Contains(err.Error(), "Everything.Money.Price") {
		t.Errorf("a big.Rat as a value: %v", err)
	}
	if err := c.Decode(t.Context(), nil, nil, new(golden.Money)); err == nil || !strings.Contains(err.Error(), "Money.Price") {
		t.Errorf("decode a big.Rat as a value: %v", err)
	}
	if c.ContentType() != "application/avro" {
		t.Error(c.ContentType())
	}
}

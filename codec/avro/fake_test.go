package avro_test

import (
	"errors"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// fakeRegistry is a registry in this process that counts its calls and can be told to answer
// something else.
type fakeRegistry struct {
	*srfake.Registry

	calls  atomic.Int64
	answer atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

func newFake(t testing.TB, opts ...srfake.Option) *fakeRegistry {
	t.Helper()
	f := &fakeRegistry{Registry: srfake.New(opts...)}
	t.Cleanup(f.Close)
	f.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		f.calls.Add(1)
		answer := f.answer.Load()
		return answer != nil && (*answer)(w, r)
	})
	return f
}

// status makes every answer that status; 0 is back to normal.
func (f *fakeRegistry) status(code int) {
	if code == 0 {
		f.answer.Store(nil)
		return
	}
	f.body(code, `{"error_code":50001,"message":"told to"}`)
}

func (f *fakeRegistry) body(code int, text string) {
	answer := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
		return true
	}
	f.answer.Store(&answer)
}

// seed puts a schema under an id as version 1.
func (f *fakeRegistry) seed(subject string, id int, text string, refs ...sr.SchemaReference) {
	f.SeedSchema(subject, 1, id, sr.Schema{Schema: text, References: refs})
}

func newCodec(t testing.TB, cfg avro.Config) *avro.Codec {
	t.Helper()
	c, err := avro.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withRegistry is a codec that registers what it writes with f.
func withRegistry(t testing.TB, f ...*fakeRegistry) *avro.Codec {
	t.Helper()
	cfg := avro.Config{AutoRegister: true}
	for _, one := range f {
		cfg.URLs = append(cfg.URLs, one.URL())
	}
	return newCodec(t, cfg)
}

func subject[T any](topic string) codec.Subject {
	return codec.Subject{Topic: topic, Type: reflect.TypeFor[T]()}
}

func encode[T any](t testing.TB, c *avro.Codec, v T) []byte {
	t.Helper()
	data, headers, err := c.Encode(t.Context(), nil, subject[T]("orders"), v)
	if err != nil || headers != nil {
		t.Fatalf("Encode: headers %v, error %v", headers, err)
	}
	return data
}

func decode[T any](t testing.TB, c *avro.Codec, data []byte) (T, error) {
	t.Helper()
	var v T
	err := c.Decode(t.Context(), data, nil, &v)
	return v, err
}

func mustDecode[T any](t testing.TB, c *avro.Codec, data []byte) T {
	t.Helper()
	v, err := decode[T](t, c, data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func isUnavailable(err error) bool { return errors.Is(err, codec.ErrUnavailable) }

// headers are message headers.
type headers map[string][]byte

func (h headers) Get(name string) ([]byte, bool) {
	v, ok := h[name]
	return v, ok
}

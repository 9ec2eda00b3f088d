package avro_test

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leat-go/leat/codec/avro"
)

func TestSteadyStateAsksNobody(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c, reader := withRegistry(t, f), withRegistry(t, f)
	data := encode(t, c, ada)
	mustDecode[UserCreated](t, c, data)
	mustDecode[UserCreated](t, reader, data)
	warm := f.calls.Load()
	for range 100 {
		mustDecode[UserCreated](t, c, encode(t, c, ada))
		mustDecode[map[string]any](t, reader, data)
	}
	if got := f.calls.Load(); got != warm {
		t.Errorf("%d calls after the first message", got-warm)
	}
	f.Close()
	mustDecode[UserCreated](t, reader, encode(t, c, ada))
}

func TestPrepareWarmsUp(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := withRegistry(t, f)
	if err := c.Prepare(t.Context(), subject[UserCreated]("orders")); err != nil {
		t.Fatal(err)
	}
	warm := f.calls.Load()
	encode(t, c, ada)
	if got := f.calls.Load(); got != warm || warm == 0 {
		t.Errorf("%d calls in Prepare, %d after it", warm, got-warm)
	}
	if err := c.Prepare(t.Context(), subject[map[string]any]("orders")); err != nil {
		t.Error(err)
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for by, want := range map[avro.SubjectBy]string{
		"":                        "orders-value",
		avro.SubjectByTopic:       "orders-value",
		avro.SubjectByRecord:      "com.core.events.UserCreated",
		avro.SubjectByTopicRecord: "orders-com.core.events.UserCreated",
	} {
		f := newFake(t)
		c := newCodec(t, avro.Config{URLs: []string{f.URL()}, AutoRegister: true, SubjectBy: by})
		encode(t, c, ada)
		if !f.SubjectExists(want) {
			t.Errorf("%q: no subject %s", by, want)
		}
	}
}

// broken are answers that send the question to the next registry.
func broken() map[string]http.HandlerFunc {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	return map[string]http.HandlerFunc{
		"500": status(500), "502": status(502), "503": status(503), "408": status(408), "429": status(429),
		"404 of another server": status(404),
		"HTML":                  body("<html>login</html>"), "{}": body("{}"), "null": body("null"), "nothing": body(""),
		"id -1":     body(`{"id":-1,"schema":""}`),
		"endless":   func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"cut off":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"elsewhere": http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect).ServeHTTP,
		"in a ring": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		},
	}
}

// endless writes more than a client should read.
func endless(w http.ResponseWriter) {
	_, _ = w.Write([]byte(`{"schema":"`))
	chunk := []byte(strings.Repeat("x", 1<<16))
	for range 200 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte(`"}`))
}

func TestFailover(t *testing.T) {
	t.Parallel()
	for name, handler := range broken() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := httptest.NewServer(handler)
			defer bad.Close()
			good := newFake(t)
			cfg := avro.Config{URLs: []string{bad.URL, good.URL()}, AutoRegister: true}
			data := encode(t, newCodec(t, cfg), ada)
			mustDecode[UserCreated](t, newCodec(t, cfg), data)

			cfg.URLs = cfg.URLs[:1]
			alone := newCodec(t, cfg)
			if _, err := decode[UserCreated](t, alone, data); !isUnavailable(err) {
				t.Errorf("decode with this one alone: %v", err)
			}
			if _, _, err := alone.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada); !isUnavailable(err) {
				t.Errorf("encode with this one alone: %v", err)
			}
			if err := alone.Ping(t.Context()); !isUnavailable(err) {
				t.Errorf("ping: %v", err)
			}
		})
	}
}

func TestRegistryThatIsNotThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	good := newFake(t)
	c := newCodec(t, avro.Config{URLs: []string{gone.URL, good.URL()}, AutoRegister: true})
	mustDecode[UserCreated](t, c, encode(t, c, ada))
	alone := newCodec(t, avro.Config{URLs: []string{gone.URL}})
	if _, err := decode[UserCreated](t, alone, unhex(t, adaConfluent)); !isUnavailable(err) {
		t.Errorf("got: %v", err)
	}
}

// barring answers stop at the first registry: somebody has to look, no message is at fault.
func TestCredentialsAreNeverTheMessagesFault(t *testing.T) {
	t.Parallel()
	for _, code := range []int{401, 403, 400, 405} {
		bad, good := newFake(t), newFake(t)
		bad.body(code, `{"error_code":40101,"message":"who are you"}`)
		c := withRegistry(t, bad, good)
		_, err := decode[UserCreated](t, c, unhex(t, adaConfluent))
		if !isUnavailable(err) || !strings.Contains(err.Error(), "credentials") {
			t.Errorf("%d: decode: %v", code, err)
		}
		if _, _, err := c.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada); !isUnavailable(err) {
			t.Errorf("%d: encode: %v", code, err)
		}
		if good.calls.Load() != 0 {
			t.Errorf("%d: asked the next registry", code)
		}
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string
		set  func(*avro.Config)
	}{
		"basic":       {"Basic YWRhOnB3", func(c *avro.Config) { c.Username, c.Password = "ada", "pw" }},
		"in the URL":  {"Basic YWRhOnB3", func(c *avro.Config) { c.URLs[0] = strings.Replace(c.URLs[0], "//", "//ada:pw@", 1) }},
		"token":       {"Bearer t0ken", func(c *avro.Config) { c.Token = "t0ken" }},
		"token, user": {"Bearer t0ken", func(c *avro.Config) { c.Token, c.Username = "t0ken", "ada" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, srfake.WithAuth(c.want))
			cfg := avro.Config{URLs: []string{f.URL()}, AutoRegister: true}
			c.set(&cfg)
			encode(t, newCodec(t, cfg), ada)
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(srfake.NewRegistry().Handler())
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	file := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	encode(t, newCodec(t, avro.Config{URLs: []string{server.URL}, CAFile: file, AutoRegister: true}), ada)
	stranger := newCodec(t, avro.Config{URLs: []string{server.URL}, AutoRegister: true})
	_, _, err := stranger.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
	if !isUnavailable(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the CA: %v", err)
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{URLs: []string{"http://ada:s3cret@127.0.0.1:1", "http://127.0.0.1:2"}, Username: "u", Password: "s3cret"})
	_, err := decode[UserCreated](t, c, unhex(t, adaConfluent))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got: %v", err)
	}
	_, err = avro.New(avro.Config{URLs: []string{"ftp://ada:s3cret@host", "http://ada:s3cret@ho st"}})
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got: %v", err)
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := avro.New(avro.Config{
		URLs: []string{"localhost:8081", "ftp://x", "http://a", "http://a/"}, SubjectBy: "name", DefaultNamespace: "no spaces",
	})
	for _, want := range []string{"localhost:8081", "ftp://x", "http://a is listed twice", `"name"`, "no spaces"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	_, err = avro.New(avro.Config{URLs: []string{"https://a"}, CAFile: "testdata/none.pem"})
	if err == nil || !strings.Contains(err.Error(), "cafile") {
		t.Errorf("got: %v", err)
	}
	_, err = avro.New(avro.Config{URLs: []string{"https://a"}, CertFile: "x.pem"})
	if err == nil || !strings.Contains(err.Error(), "keyfile") {
		t.Errorf("got: %v", err)
	}
}

func TestTheLastGoodRegistryIsAskedFirst(t *testing.T) {
	t.Parallel()
	bad, good := newFake(t), newFake(t)
	bad.status(500)
	c := withRegistry(t, bad, good)
	encode(t, c, ada)
	before := bad.calls.Load()
	encode(t, c, Plain{"other type, other question"})
	if got := bad.calls.Load(); before == 0 || got != before {
		t.Errorf("%d calls to the bad one at first, %d later", before, got-before)
	}
	good.status(500)
	bad.status(0)
	if _, _, err := c.Encode(t.Context(), nil, subject[Leaf]("leaves"), Leaf{}); err != nil {
		t.Errorf("the first one is back: %v", err)
	}
}

func TestIncompatibleIsPermanentAndNamesTheSubject(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.seed("orders-value", 1, `{"type":"record","name":"UserCreated","namespace":"com.core.events","fields":[{"name":"user_id","type":"long"}]}`)
	f.answer.Store(new(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"error_code":409,"message":"reader type mismatch"}`))
		}
		return r.Method == http.MethodPost
	}))
	c := withRegistry(t, f)
	_, _, err := c.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
	for _, want := range []string{"orders-value", "incompatible", "reader type mismatch", "+ com.core.events.UserCreated.user_id string", "version 1"} {
		if err == nil || !strings.Contains(err.Error(), want) || isUnavailable(err) {
			t.Errorf("want a permanent error with %q, got: %v", want, err)
		}
	}
	calls := f.calls.Load()
	if _, _, again := c.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada); again == nil || f.calls.Load() != calls {
		t.Errorf("asked again at once: %v", again)
	}
}

func TestLookUpOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := newCodec(t, avro.Config{URLs: []string{f.URL()}})
	_, _, err := c.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
	for _, want := range []string{"orders-value", "not registered", "leat schema register"} {
		if err == nil || !strings.Contains(err.Error(), want) || isUnavailable(err) {
			t.Errorf("want a permanent error with %q, got: %v", want, err)
		}
	}
	if f.SubjectExists("orders-value") {
		t.Error("registered all the same")
	}
	encode(t, withRegistry(t, f), ada)
	encode(t, newCodec(t, avro.Config{URLs: []string{f.URL()}}), ada)
}

func TestRegisteringAsksForNormalization(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var posts sync.Map
	f.answer.Store(new(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			posts.Store(r.URL.String(), true)
		}
		return false
	}))
	encode(t, withRegistry(t, f), ada)
	encode(t, newCodec(t, avro.Config{URLs: []string{f.URL()}}), ada)
	for _, want := range []string{"/subjects/orders-value/versions?normalize=true", "/subjects/orders-value?normalize=true"} {
		if _, ok := posts.Load(want); !ok {
			t.Errorf("no POST %s", want)
		}
	}
}

func TestIDOfAnotherSchemaIsNotUsed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.seed("orders-value", 1, `{"type":"record","name":"UserCreated","namespace":"com.core.events","fields":[{"name":"user_id","type":"string"},
		{"name":"email","type":"string"},{"name":"created_at","type":{"type":"long","logicalType":"timestamp-micros"}}]}`)
	f.answer.Store(new(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"id":1}`))
		}
		return r.Method == http.MethodPost
	}))
	_, _, err := withRegistry(t, f).Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
	if err == nil || !strings.Contains(err.Error(), "another schema") {
		t.Errorf("wrote milliseconds under an id of microseconds: %v", err)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.seed("zip", 1, `{"type":"record","name":"Zip","namespace":"x","fields":[{"name":"code","type":"string"}]}`)
	f.seed("addr", 2, `{"type":"record","name":"Addr","namespace":"x","fields":[{"name":"zip","type":"Zip"},{"name":"old","type":"Zip"}]}`,
		sr.SchemaReference{Name: "x.Zip", Subject: "zip", Version: 1})
	f.seed("user", 3, `{"type":"record","name":"User","namespace":"x","fields":[{"name":"addr","type":"Addr"},{"name":"zip","type":"Zip"}]}`,
		sr.SchemaReference{Name: "x.Addr", Subject: "addr", Version: 1}, sr.SchemaReference{Name: "x.Zip", Subject: "zip", Version: 1})
	got := mustDecode[map[string]any](t, withRegistry(t, f), unhex(t, "0000000003"+"0261"+"0262"+"0263"))
	zip := func(code string) map[string]any { return map[string]any{"code": code} }
	want := map[string]any{"addr": map[string]any{"zip": zip("a"), "old": zip("b")}, "zip": zip("c")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// scripted answers requests by path.
type scripted map[string]string

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := s[r.URL.Path]
	rec := httptest.NewRecorder()
	if !ok {
		rec.WriteHeader(http.StatusNotFound)
		body = `{"error_code":40403,"message":"Schema not found"}`
	}
	_, _ = rec.WriteString(body)
	return rec.Result(), nil
}

func (s scripted) codec(t testing.TB) *avro.Codec {
	t.Helper()
	return newCodec(t, avro.Config{URLs: []string{"http://registry"}, HTTPClient: &http.Client{Transport: s}})
}

func schemaAnswer(text string, refs ...string) string {
	var list []string
	for _, r := range refs {
		list = append(list, fmt.Sprintf(`{"name":%q,"subject":%q,"version":1}`, r, r))
	}
	return fmt.Sprintf(`{"schema":%q,"references":[%s],"id":1,"version":1,"subject":"s"}`, text, strings.Join(list, ","))
}

func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	deep := scripted{"/schemas/ids/1": schemaAnswer(`"int"`, "r0")}
	wide := scripted{}
	var names []string
	for i := range 40 {
		deep[fmt.Sprintf("/subjects/r%d/versions/1", i)] = schemaAnswer(`"int"`, fmt.Sprintf("r%d", i+1))
		wide[fmt.Sprintf("/subjects/r%d/versions/1", i)] = schemaAnswer(`"int"`)
		names = append(names, fmt.Sprintf("r%d", i))
	}
	wide["/schemas/ids/1"] = schemaAnswer(`"int"`, names...)
	for want, s := range map[string]scripted{
		"deeper than 8":    deep,
		"more than 32":     wide,
		"back to itself":   {"/schemas/ids/1": schemaAnswer(`"int"`, "a"), "/subjects/a/versions/1": schemaAnswer(`"int"`, "b"), "/subjects/b/versions/1": schemaAnswer(`"int"`, "a")},
		"it is a PROTOBUF": {"/schemas/ids/1": `{"schema":"syntax","schemaType":"PROTOBUF"}`},
	} {
		_, err := decode[UserCreated](t, s.codec(t), unhex(t, adaConfluent))
		if err == nil || !strings.Contains(err.Error(), want) || isUnavailable(err) {
			t.Errorf("want a permanent error with %q, got: %v", want, err)
		}
	}
}

func TestUnknownIDIsGivenUpAfterHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := newCodec(t, avro.Config{
			URLs:       []string{"http://a", "http://b"},
			HTTPClient: &http.Client{Transport: counted{scripted{}, &calls}},
		})
		data := unhex(t, adaConfluent)
		for range 10 {
			if _, err := decode[UserCreated](t, c, data); !isUnavailable(err) || !strings.Contains(err.Error(), "40403") && !strings.Contains(err.Error(), "not found") {
				t.Fatalf("at first: %v", err)
			}
		}
		if calls != 2 {
			t.Errorf("%d calls for ten messages and two registries", calls)
		}
		<-time.After(29 * time.Second)
		if _, err := decode[UserCreated](t, c, data); !isUnavailable(err) {
			t.Fatalf("after 29 s: %v", err)
		}
		<-time.After(3 * time.Second)
		if _, err := decode[UserCreated](t, c, data); err == nil || isUnavailable(err) {
			t.Fatalf("after 32 s: %v", err)
		}
		before := calls
		<-time.After(29 * time.Second)
		if _, err := decode[UserCreated](t, c, data); err == nil || isUnavailable(err) || calls != before {
			t.Fatalf("the verdict holds for 30 s: %v, %d calls", err, calls-before)
		}
	})
}

func TestUnknownIDIsNotGivenUpWhileARegistryIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCodec(t, avro.Config{
			URLs: []string{"http://a", "http://down"},
			HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "down" {
					return nil, errors.New("connection refused")
				}
				return scripted{}.RoundTrip(r)
			})},
		})
		for range 10 {
			if _, err := decode[UserCreated](t, c, unhex(t, adaConfluent)); !isUnavailable(err) {
				t.Fatalf("got: %v", err)
			}
			<-time.After(10 * time.Second)
		}
	})
}

// A header comes with the message: no value of it may stop a consumer for good, whatever
// the registry makes of it. A wrong URL is nobody's message's fault.
func TestWhatEndsUpPermanent(t *testing.T) {
	t.Parallel()
	guid := headers{"__value_schema_id": append([]byte{1}, make([]byte, 16)...)}
	for name, c := range map[string]struct {
		headers   headers
		answer    func(r *http.Request) (int, string)
		permanent bool
	}{
		"GUID at a registry without that endpoint": {guid, registryOr(404, "not here"), true},
		"GUID that the registry finds malformed":   {guid, registryOr(400, `{"error_code":400}`), true},
		"GUID that the registry cannot process":    {guid, registryOr(422, `{"error_code":42200}`), true},
		"GUID that is unknown":                     {guid, registryOr(404, `{"error_code":40403}`), true},
		"id at a URL that is no registry":          {nil, func(*http.Request) (int, string) { return 404, "not here" }, false},
		"id that the registry cannot process":      {nil, registryOr(422, `{"error_code":42200}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				codec := newCodec(t, avro.Config{URLs: []string{"http://a"}, HTTPClient: &http.Client{
					Transport: transport(func(r *http.Request) (*http.Response, error) { return recorded(c.answer(r)) }),
				}})
				var err error
				for range 5 {
					err = codec.Decode(t.Context(), unhex(t, adaConfluent), c.headers, new(UserCreated))
					<-time.After(10 * time.Second)
				}
				if err == nil || isUnavailable(err) == c.permanent {
					t.Errorf("after 40 s: %v", err)
				}
			})
		})
	}
}

// registryOr answers as a registry would for its level, else as told.
func registryOr(status int, body string) func(*http.Request) (int, string) {
	return func(r *http.Request) (int, string) {
		if r.URL.Path == "/config" {
			return 200, `{"compatibilityLevel":"BACKWARD"}`
		}
		return status, body
	}
}

func recorded(status int, body string) (*http.Response, error) {
	rec := httptest.NewRecorder()
	rec.WriteHeader(status)
	_, _ = rec.WriteString(body)
	return rec.Result(), nil
}

func TestASchemaThatAppearsLateIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scripted{}
		c := s.codec(t)
		data := unhex(t, adaConfluent)
		if _, err := decode[UserCreated](t, c, data); !isUnavailable(err) {
			t.Fatalf("got: %v", err)
		}
		text, err := avro.SchemaOf[UserCreated]()
		if err != nil {
			t.Fatal(err)
		}
		s["/schemas/ids/1"] = schemaAnswer(text)
		<-time.After(3 * time.Second)
		mustDecode[UserCreated](t, c, data)
	})
}

func TestARegistryThatHangsCostsTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, err := avro.SchemaOf[UserCreated]()
		if err != nil {
			t.Fatal(err)
		}
		hangs := transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "hangs" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return scripted{"/schemas/ids/1": schemaAnswer(text)}.RoundTrip(r)
		})
		start := time.Now()
		c := newCodec(t, avro.Config{URLs: []string{"http://hangs", "http://good"}, HTTPClient: &http.Client{Transport: hangs}})
		mustDecode[UserCreated](t, c, unhex(t, adaConfluent))
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %s", took)
		}
		alone := newCodec(t, avro.Config{URLs: []string{"http://hangs"}, HTTPClient: &http.Client{Transport: hangs}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = alone.Decode(ctx, unhex(t, adaConfluent), nil, new(UserCreated))
		if !isUnavailable(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's time ran out: %v", err)
		}
		<-time.After(5 * time.Second)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type counted struct {
	http.RoundTripper
	calls *int
}

func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	*c.calls++
	return c.RoundTripper.RoundTrip(r)
}

func TestConcurrentFirstUseAsksOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	data := encode(t, withRegistry(t, f), ada)
	before := f.calls.Load()
	c := withRegistry(t, f)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			var got UserCreated
			if err := c.Decode(t.Context(), data, nil, &got); err != nil || got != ada {
				t.Errorf("got %v, %v", got, err)
			}
			var loose map[string]any
			if err := c.Decode(t.Context(), data, nil, &loose); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := f.calls.Load() - before; got != 1 {
		t.Errorf("%d calls", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := withRegistry(t, newFake(t))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				topic := fmt.Sprintf("orders-%d", i%3)
				data, _, err := c.Encode(t.Context(), nil, subject[UserCreated](topic), ada)
				if err != nil {
					t.Error(err)
					return
				}
				var got UserCreated
				if err := c.Decode(t.Context(), data, nil, &got); err != nil || hex.EncodeToString(data[5:]) != adaBody {
					t.Errorf("got %v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestACallerWhoLeavesDoesNotSpoilItForOthers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := withRegistry(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := c.Encode(ctx, nil, subject[UserCreated]("orders"), ada)
	if err != nil && !isUnavailable(err) {
		t.Errorf("got: %v", err)
	}
	encode(t, c, ada)
}

func TestPing(t *testing.T) {
	t.Parallel()
	if err := newCodec(t, avro.Config{}).Ping(t.Context()); err != nil {
		t.Errorf("without a registry: %v", err)
	}
	f := newFake(t)
	c := withRegistry(t, f)
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	f.body(404, `{"error_code":40408,"message":"no level"}`)
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("a registry without a global level: %v", err)
	}
	f.status(503)
	if err := c.Ping(t.Context()); !isUnavailable(err) {
		t.Errorf("got: %v", err)
	}
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	t.Parallel()
	text, err := avro.SchemaOf[UserCreated]()
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{"http://a/moved": true, "http://b/moved": false, "https://a/moved": false} {
		c := newCodec(t, avro.Config{URLs: []string{"http://a"}, Token: "t0ken", HTTPClient: &http.Client{
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/moved" {
					return recorded(200, schemaAnswer(text))
				}
				res, err := recorded(307, "")
				res.Header.Set("Location", target)
				return res, err
			}),
		}})
		_, err := decode[UserCreated](t, c, unhex(t, adaConfluent))
		if want != (err == nil) || err != nil && !isUnavailable(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestTheLastGoodRegistryStaysTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := ""
		c := newCodec(t, avro.Config{URLs: []string{"http://a", "http://b"}, HTTPClient: &http.Client{
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				asked += r.URL.Host
				if r.URL.Host == "a" && len(asked) == 1 {
					return recorded(500, "")
				}
				return recorded(200, `{"compatibilityLevel":"NONE"}`)
			}),
		}})
		for range 3 {
			if err := c.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			<-time.After(10 * time.Second)
		}
		if asked != "abbb" {
			t.Errorf("asked %s", asked)
		}
	})
}

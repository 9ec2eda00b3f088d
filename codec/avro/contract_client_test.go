package avro_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
)

// The client's side of the contract: what lies between it and a real registry.

// front stands before a registry, counts the calls, and may stop answering or ask who calls.
type front struct {
	*httptest.Server

	calls atomic.Int64
	away  atomic.Bool
}

// newFront wants the header Authorization to be asks, unless that is empty.
func newFront(t *testing.T, asks string, secure *tls.Config) *front {
	t.Helper()
	target, err := url.Parse(testservers.RegistryFor(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Authorization")
	}}
	f := &front{}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls.Add(1)
		switch {
		case f.away.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case asks != "" && r.Header.Get("Authorization") != asks:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	f.Config.ErrorLog = quiet
	if secure == nil {
		f.Start()
	} else {
		f.TLS = secure
		f.StartTLS()
	}
	t.Cleanup(f.Close)
	return f
}

func patient(t *testing.T, cfg avro.Config) *avro.Codec {
	t.Helper()
	c := newCodec(t, cfg)
	avro.BePatient(c)
	return c
}

func TestRegistrySteadyStateAsksNobody(t *testing.T) {
	t.Parallel()
	f := newFront(t, "", nil)
	s := freshTopic[UserCreated]()
	writer, reader := contractCodec(t, f.URL, true), contractCodec(t, f.URL, false)
	data := encodeTo(t, writer, s, ada)
	before := f.calls.Load()
	var all sync.WaitGroup
	for range 20 { // the first use of a schema, by many at once
		all.Go(func() {
			if got, err := decode[UserCreated](t, reader, data); err != nil || got != ada {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	all.Wait()
	if got := f.calls.Load() - before; got != 1 {
		t.Errorf("%d calls for one schema", got)
	}
	warm := f.calls.Load()
	for range 100 {
		mustDecode[UserCreated](t, reader, encodeTo(t, writer, s, ada))
	}
	if got := f.calls.Load(); got != warm {
		t.Errorf("%d calls in the steady state", got-warm)
	}
	f.away.Store(true)
	mustDecode[UserCreated](t, reader, encodeTo(t, writer, s, ada))
}

func TestRegistrySaysOnceThatASchemaIsUnknown(t *testing.T) {
	t.Parallel()
	f := newFront(t, "", nil)
	c := contractCodec(t, f.URL, false)
	for range 10 {
		if _, err := decode[UserCreated](t, c, unhex(t, "007ffffffe"+adaBody)); !isUnavailable(err) {
			t.Errorf("got: %v", err)
		}
	}
	if got := f.calls.Load(); got > 2 {
		t.Errorf("%d calls for an unknown id", got)
	}
	if err := c.Ready(); err != nil {
		t.Errorf("not ready for a schema that nobody has: %v", err)
	}
}

func TestRegistryOutage(t *testing.T) {
	t.Parallel()
	f := newFront(t, "", nil)
	s := freshTopic[UserCreated]()
	data := encodeTo(t, contractCodec(t, f.URL, true), s, ada)
	c := contractCodec(t, f.URL, false)
	f.away.Store(true)
	if _, err := decode[UserCreated](t, c, data); !isUnavailable(err) {
		t.Errorf("decode: %v", err)
	}
	if _, _, err := c.Encode(t.Context(), nil, s, ada); !isUnavailable(err) {
		t.Errorf("encode: %v", err)
	}
	if _, err := c.Judge(t.Context(), s); !isUnavailable(err) {
		t.Errorf("judge: %v", err)
	}
	if err := c.Ready(); err == nil || !strings.Contains(err.Error(), f.URL) {
		t.Errorf("ready: %v", err)
	}
	f.away.Store(false)
	mustDecode[UserCreated](t, c, data)
	wantReady(t, c)
}

func TestRegistryFailover(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t).URL
	for name, handler := range broken() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := httptest.NewServer(handler)
			defer bad.Close()
			s := freshTopic[UserCreated]()
			c := patient(t, avro.Config{URLs: []string{bad.URL, registry}, AutoRegister: true})
			data := encodeTo(t, c, s, ada)
			mustDecode[UserCreated](t, patient(t, avro.Config{URLs: []string{bad.URL, registry}}), data)
		})
	}
}

func TestRegistryAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asks string
		set  func(*avro.Config)
	}{
		"basic":  {"Basic YWRhOnB3", func(c *avro.Config) { c.Username, c.Password = "ada", "pw" }},
		"bearer": {"Bearer t0ken", func(c *avro.Config) { c.Token = "t0ken" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, c.asks, nil)
			cfg := avro.Config{URLs: []string{f.URL}, AutoRegister: true}
			stranger := patient(t, cfg)
			if _, _, err := stranger.Encode(t.Context(), nil, freshTopic[UserCreated](), ada); !isUnavailable(err) || !strings.Contains(err.Error(), "credentials") {
				t.Errorf("without credentials: %v", err)
			}
			c.set(&cfg)
			wantContract(t, cfg)
		})
	}
}

func TestRegistryClientCertificate(t *testing.T) {
	t.Parallel()
	s := newSecured(t) // for its certificates alone
	pair, err := tls.X509KeyPair([]byte(s.cert), []byte(s.key))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(s.ca))
	f := newFront(t, "", &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted})
	cfg := avro.Config{URLs: []string{f.URL}, CAFile: s.ca, AutoRegister: true}
	if err := patient(t, cfg).Ping(t.Context()); !isUnavailable(err) {
		t.Errorf("without a certificate: %v", err)
	}
	cfg.CertFile, cfg.KeyFile = s.issue(t, time.Hour)
	wantContract(t, cfg)
}

// wantContract writes and reads through a registry.
func wantContract(t *testing.T, cfg avro.Config) {
	t.Helper()
	data := encodeTo(t, patient(t, cfg), freshTopic[UserCreated](), ada)
	if got := mustDecode[UserCreated](t, patient(t, cfg), data); got != ada {
		t.Errorf("got %v", got)
	}
}

func TestRegistrySubjects(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t).URL
	for _, by := range []avro.SubjectBy{avro.SubjectByTopic, avro.SubjectByRecord, avro.SubjectByTopicRecord} {
		s := freshTopic[UserCreated]()
		s.Namespace = "of_" + strings.ReplaceAll(s.Topic, "-", "_")
		record := s.Namespace + ".UserCreated"
		want := map[avro.SubjectBy]string{
			avro.SubjectByTopic: s.Topic + "-value", avro.SubjectByRecord: record, avro.SubjectByTopicRecord: s.Topic + "-" + record,
		}[by]
		c := patient(t, avro.Config{URLs: []string{registry}, AutoRegister: true, SubjectBy: by})
		encodeTo(t, c, s, ada)
		if v, err := c.Judge(t.Context(), s); err != nil || v.Subject != want || v.Version != 1 || !v.Compatible {
			t.Errorf("by %s: %+v, %v", by, v, err)
		}
	}
}

func TestRegistryKeepsKeys(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t).URL
	topic := freshTopic[codec.Key]().Topic
	inProduction := contractCodec(t, registry, false)
	if _, err := inProduction.EncodeKey(t.Context(), nil, topic, "a"); err == nil || !strings.Contains(err.Error(), topic+"-key is not registered") {
		t.Errorf("a key that nobody registered: %v", err)
	}
	own := codec.Subject{Topic: topic, Type: reflect.TypeFor[codec.Key]()}
	if kept, err := inProduction.Register(t.Context(), own); err != nil || kept.Subject != topic+"-key" || kept.ID <= 0 {
		t.Errorf("registered: %+v, %v", kept, err)
	}
	key := encodeKey(t, contractCodec(t, registry, false), topic, "küche")
	if text, err := contractCodec(t, registry, false).DecodeKey(t.Context(), topic, key, nil); text != "küche" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// A schema that was registered in other words is the same one.
func TestRegistryNormalizes(t *testing.T) {
	t.Parallel()
	registry := testservers.RegistryFor(t).URL
	client, err := sr.NewClient(sr.URLs(registry))
	if err != nil {
		t.Fatal(err)
	}
	s := freshTopic[UserCreated]()
	text, err := avro.SchemaOf[UserCreated]()
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	spaced, err := json.MarshalIndent(parsed, "", "\t") // other spaces, other order of keys
	if err != nil {
		t.Fatal(err)
	}
	register(t, client, s.Topic+"-value", sr.Schema{Schema: string(spaced)})
	data := encodeTo(t, contractCodec(t, registry, false), s, ada)
	if got := mustDecode[UserCreated](t, contractCodec(t, registry, false), data); got != ada {
		t.Errorf("got %v", got)
	}
	versions, err := client.SubjectVersions(context.WithoutCancel(t.Context()), s.Topic+"-value")
	if err != nil || len(versions) != 1 {
		t.Errorf("versions %v, %v", versions, err)
	}
}

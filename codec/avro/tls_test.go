package avro_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
)

// secured is a registry that talks to those alone who have a certificate of its authority.
type secured struct {
	url, ca, cert, key string
	authority          *testservers.Authority
}

func newSecured(t *testing.T) secured {
	t.Helper()
	a, err := testservers.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := secured{ca: a.PEM(), authority: a}
	s.cert, s.key = s.issue(t, time.Hour)
	pair, err := tls.X509KeyPair([]byte(s.cert), []byte(s.key))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(s.ca))
	server := httptest.NewUnstartedServer(newFake(t).Handler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s secured) issue(t *testing.T, left time.Duration) (cert, key string) {
	t.Helper()
	cert, key, err := s.authority.Issue("registry", time.Now().Add(left))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (s secured) config(cert, key string) avro.Config {
	return avro.Config{URLs: []string{s.url}, CAFile: s.ca, CertFile: cert, KeyFile: key, AutoRegister: true}
}

func TestClientCertificateInline(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	wantRegistered(t, s.config(s.cert, s.key))
}

func TestClientCertificateInFiles(t *testing.T) {
	t.Parallel()
	s, dir := newSecured(t), t.TempDir()
	paths := map[string]string{}
	for name, text := range map[string]string{"ca": s.ca, "cert": s.cert, "key": s.key} {
		paths[name] = filepath.Join(dir, name+".pem")
		if err := os.WriteFile(paths[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := s.config(paths["cert"], paths["key"])
	cfg.CAFile = paths["ca"]
	wantRegistered(t, cfg)
}

func wantRegistered(t *testing.T, cfg avro.Config) {
	t.Helper()
	data := encode(t, newCodec(t, cfg), ada)
	if got := mustDecode[UserCreated](t, newCodec(t, cfg), data); got != ada {
		t.Errorf("got %v", got)
	}
}

// A registry that refuses the certificate is away until somebody has looked: nothing is lost.
func TestClientCertificateThatIsRefused(t *testing.T) {
	t.Parallel()
	s, stranger := newSecured(t), newSecured(t)
	oldCert, oldKey := s.issue(t, -time.Hour)
	for name, c := range map[string]struct {
		cfg  avro.Config
		want string
	}{
		"none":             {s.config("", ""), "certificate required"},
		"of a stranger":    {s.config(stranger.cert, stranger.key), "unknown certificate authority"},
		"expired":          {s.config(oldCert, oldKey), "expired certificate"},
		"another CA":       {avro.Config{URLs: []string{s.url}, CAFile: stranger.ca, CertFile: s.cert, KeyFile: s.key}, "unknown authority"},
		"no CA of its own": {avro.Config{URLs: []string{s.url}, CertFile: s.cert, KeyFile: s.key}, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode[UserCreated](t, newCodec(t, c.cfg), unhex(t, adaConfluent))
			if !isUnavailable(err) || !strings.Contains(err.Error(), s.url) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got: %v", c.want, err)
			}
		})
	}
}

func TestCertificatesThatAreNone(t *testing.T) {
	t.Parallel()
	s, other := newSecured(t), newSecured(t)
	broken := "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	for want, cfg := range map[string]avro.Config{
		"schema registry client certificate: tls: private key does not match":           s.config(s.cert, other.key),
		"schema registry client certificate: tls: failed to find any PEM data in key":   s.config(s.cert, "-----BEGIN nothing"),
		"schema registry client certificate: open nowhere.pem":                          s.config("nowhere.pem", s.key),
		"schema registry cafile: no PEM certificate in its text":                        {URLs: []string{s.url}, CAFile: broken},
		"schema registry: a client certificate needs both its certfile and its keyfile": s.config(s.cert, ""),
	} {
		_, err := avro.New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}

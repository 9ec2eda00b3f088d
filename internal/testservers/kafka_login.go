package testservers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// LogIn is a way to log in to [SecuredKafkaFor] as root, in the words of a service's environment.
type LogIn struct {
	Name string
	Env  []string
}

// LogIns lists the ways to log in to s, each with what t needs for it.
func (s *KafkaServer) LogIns(t testing.TB) []LogIn {
	t.Helper()
	cert, key := s.issue(t, Root, time.Now().Add(time.Hour))
	return []LogIn{
		s.passwordLogIn("PLAIN"),
		s.passwordLogIn("SCRAM-SHA-256"),
		s.passwordLogIn("SCRAM-SHA-512"),
		{"certificate in PEM", s.CertificateLogIn(s.Authority().PEM(), cert, key)},
		{"certificate in files", s.CertificateLogIn(onDisk(t, "ca.pem", s.Authority().PEM()), onDisk(t, "cert.pem", cert), onDisk(t, "key.pem", key))},
		{"OAUTHBEARER with a token", s.TokenLogIn("KAFKA_SASL_OAUTH_TOKEN=" + UnsignedToken(Root, time.Now().Add(time.Hour)))},
		{"OAUTHBEARER with a server of tokens", s.TokenLogIn(
			"KAFKA_SASL_OAUTH_TOKEN_URL="+TokenServer(t), "KAFKA_SASL_USERNAME="+Root, "KAFKA_SASL_PASSWORD="+RootPassword)},
	}
}

func (s *KafkaServer) passwordLogIn(mechanism string) LogIn {
	return LogIn{mechanism, []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(s.SASLSSL(), ","), "KAFKA_SECURITY_PROTOCOL=SASL_SSL",
		"KAFKA_SASL_MECHANISM=" + mechanism, "KAFKA_SASL_USERNAME=" + Root, "KAFKA_SASL_PASSWORD=" + RootPassword,
		"KAFKA_SSL_CAFILE=" + s.Authority().PEM(),
	}}
}

// CertificateLogIn is the environment of a client that shows a certificate; each is a path or the PEM text.
func (s *KafkaServer) CertificateLogIn(ca, cert, key string) []string {
	return []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(s.SSL(), ","), "KAFKA_SECURITY_PROTOCOL=SSL",
		"KAFKA_SSL_CAFILE=" + ca, "KAFKA_SSL_CERTFILE=" + cert, "KAFKA_SSL_KEYFILE=" + key,
	}
}

// TokenLogIn is the environment of a client that logs in with a token, which more says how to get.
func (s *KafkaServer) TokenLogIn(more ...string) []string {
	return append([]string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(s.OAuth(), ","), "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT",
		"KAFKA_SASL_MECHANISM=OAUTHBEARER",
	}, more...)
}

func (s *KafkaServer) issue(t testing.TB, name string, until time.Time) (cert, key string) {
	t.Helper()
	cert, key, err := s.Authority().Issue(name, until)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func onDisk(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TokenServer returns the address of a server that gives tokens to root until the end of t.
func TokenServer(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(giveToken))
	t.Cleanup(s.Close)
	return s.URL + "/token"
}

func giveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// The form escapes what stands in the header, as RFC 6749 wants it.
	if id, secret, ok := r.BasicAuth(); !ok || id != Root || secret != strings.ReplaceAll(RootPassword, "#", "%23") {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, UnsignedToken(Root, time.Now().Add(time.Hour)))
}

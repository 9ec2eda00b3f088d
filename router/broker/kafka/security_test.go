package kafka_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// configOf reads settings as a service does.
func configOf(t *testing.T, env ...string) settings.Kafka {
	t.Helper()
	loaded, err := settings.Load(settings.Options{Dir: t.TempDir(), Environ: env, NoDotEnv: true})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Settings.Kafka
}

func TestLogInToASecuredKafka(t *testing.T) {
	t.Parallel()
	server := testservers.SecuredKafkaFor(t)
	for _, way := range server.LogIns(t) {
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			cfg := configOf(t, append(way.Env, "KAFKA_AUTO_COMMIT_INTERVAL=100ms")...)
			b := openBroker(t, cfg)
			if err := b.Connect(within(t)); err != nil {
				t.Fatal(err)
			}
			topic := newTopic(t, b, 2)
			produce(t, b.Sends(), keyed(topic, 10, 5)...)
			var got seen
			joinReady(t, b, topic, broker.Subscription{Topic: topic, Handle: got.handle})
			got.wait(t, 10)
			admin := adminOf(t, server.Brokers())
			eventually(t, "commit", func() bool { return committed(t, admin, topic, topic) == 10 })
		})
	}
}

// logIn is the environment of one way to log in, changed by more.
func logIn(t *testing.T, s *testservers.KafkaServer, name string, more ...string) []string {
	t.Helper()
	ways := s.LogIns(t)
	i := slices.IndexFunc(ways, func(w testservers.LogIn) bool { return w.Name == name })
	return append(ways[i].Env, more...)
}

func TestAStartSaysWhatIsProbablyWrongWithTheLogIn(t *testing.T) {
	t.Parallel()
	s := testservers.SecuredKafkaFor(t)
	stranger, err := testservers.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	foreignCert, foreignKey := issue(t, stranger, time.Now().Add(time.Hour))
	oldCert, oldKey := issue(t, s.Authority(), time.Now().Add(-time.Hour))
	expired := testservers.UnsignedToken(testservers.Root, time.Now().Add(-time.Hour))
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	plain := "KAFKA_BOOTSTRAP_SERVERS=" + s.Brokers()[0]
	for _, tt := range []struct {
		name string
		env  []string
		want []string
	}{
		{"a wrong password, PLAIN", logIn(t, s, "PLAIN", "KAFKA_SASL_PASSWORD=hidden"), []string{"KAFKA_SASL_PASSWORD", "log-in as root"}},
		{"a wrong password, SCRAM-SHA-256", logIn(t, s, "SCRAM-SHA-256", "KAFKA_SASL_PASSWORD=hidden"), []string{"KAFKA_SASL_PASSWORD", "log-in as root"}},
		{"an unknown user, SCRAM-SHA-512", logIn(t, s, "SCRAM-SHA-512", "KAFKA_SASL_USERNAME=nobody"), []string{"KAFKA_SASL_USERNAME", "log-in as nobody"}},
		{"a mechanism that is not offered", logIn(t, s, "PLAIN", "KAFKA_SASL_MECHANISM=OAUTHBEARER", "KAFKA_SASL_OAUTH_TOKEN=hidden"), []string{"do not offer OAUTHBEARER", "KAFKA_SASL_MECHANISM"}},
		{"no authority", logIn(t, s, "PLAIN", "KAFKA_SSL_CAFILE="), []string{"KAFKA_SSL_CAFILE", "not trusted"}},
		{"another authority", logIn(t, s, "SCRAM-SHA-256", "KAFKA_SSL_CAFILE="+stranger.PEM()), []string{"KAFKA_SSL_CAFILE", "not trusted"}},
		{"no certificate", logIn(t, s, "certificate in PEM", "KAFKA_SSL_CERTFILE=", "KAFKA_SSL_KEYFILE="), []string{"KAFKA_SSL_CERTFILE", "want a certificate"}},
		{"an expired certificate", s.CertificateLogIn(s.Authority().PEM(), oldCert, oldKey), []string{"KAFKA_SSL_CERTFILE", "have it renewed"}},
		{"a certificate of another authority", s.CertificateLogIn(s.Authority().PEM(), foreignCert, foreignKey), []string{"KAFKA_SSL_CERTFILE", "do not take the certificate of CN=root"}},
		{"an expired token", s.TokenLogIn("KAFKA_SASL_OAUTH_TOKEN=" + expired), []string{"KAFKA_SASL_OAUTH_TOKEN", "expired"}},
		{"no server of tokens", logIn(t, s, "OAUTHBEARER with a server of tokens", "KAFKA_SASL_OAUTH_TOKEN_URL="+down.URL+"/token"), []string{"KAFKA_SASL_OAUTH_TOKEN_URL", "get a token from " + down.URL, "refused"}},
		{"a wrong secret at the server of tokens", logIn(t, s, "OAUTHBEARER with a server of tokens", "KAFKA_SASL_PASSWORD=hidden"), []string{"KAFKA_SASL_PASSWORD", "401", "invalid_client"}},
		{"a plain client at a TLS port", []string{"KAFKA_ENABLED=1", "KAFKA_BOOTSTRAP_SERVERS=" + s.SSL()[0]}, []string{"KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"}},
		{"a TLS client at a plain port", logIn(t, s, "certificate in PEM", plain), []string{"KAFKA_SECURITY_PROTOCOL", "SSL is probably not"}},
		{"a log-in at a port without one", logIn(t, s, "SCRAM-SHA-256", plain), []string{"KAFKA_SECURITY_PROTOCOL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := openBroker(t, configOf(t, tt.env...)).Connect(briefly(t))
			wantUnreachable(t, err, tt.want...)
			t.Log(err)
			for _, secret := range []string{"hidden", testservers.RootPassword, expired, "PRIVATE KEY"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

func issue(t *testing.T, a *testservers.Authority, until time.Time) (cert, key string) {
	t.Helper()
	cert, key, err := a.Issue(testservers.Root, until)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

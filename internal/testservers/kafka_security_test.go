package testservers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/leat-go/leat/internal/testservers"
)

func TestASecuredKafkaKnowsItsClientsAndWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	s := startKafka(t, testservers.KafkaOptions{Security: &testservers.KafkaSecurity{
		Users: map[string]string{"root": "root secret", "ada": "ada's secret"}, Super: []string{"root"},
	}})
	orders := createTopic(t, s.Brokers())
	for _, tt := range []struct {
		name    string
		brokers []string
		opts    func(user, password string) []kgo.Opt
	}{
		{"plain", s.SASLSSL(), func(user, pass string) []kgo.Opt {
			return logIn(trusting(t, s), plain.Auth{User: user, Pass: pass}.AsMechanism())
		}},
		{"scram 256", s.SASLSSL(), func(user, pass string) []kgo.Opt {
			return logIn(trusting(t, s), scram.Auth{User: user, Pass: pass}.AsSha256Mechanism())
		}},
		{"scram 512", s.SASLSSL(), func(user, pass string) []kgo.Opt {
			return logIn(trusting(t, s), scram.Auth{User: user, Pass: pass}.AsSha512Mechanism())
		}},
		{"certificate", s.SSL(), func(user, _ string) []kgo.Opt { return []kgo.Opt{kgo.DialTLSConfig(trusting(t, s, user))} }},
		{"token", s.OAuth(), func(user, _ string) []kgo.Opt {
			token := testservers.UnsignedToken(user, time.Now().Add(time.Hour))
			return []kgo.Opt{kgo.SASL(oauth.Auth{Token: token}.AsMechanism())}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := visible(t, tt.brokers, orders.name, tt.opts("root", "root secret")); err != nil {
				t.Errorf("root: %v", err)
			}
			if err := visible(t, tt.brokers, orders.name, tt.opts("ada", "ada's secret")); !errors.Is(err, kerr.TopicAuthorizationFailed) {
				t.Errorf("ada, who has no ACL: %v", err)
			}
		})
	}
	if err := answers(t, s.SSL(), kgo.DialTLSConfig(trusting(t, s))); err == nil {
		t.Error("a client without a certificate is let in")
	}
	if err := answers(t, s.SASLSSL(), logIn(trusting(t, s), plain.Auth{User: "root", Pass: "wrong"}.AsMechanism())...); err == nil {
		t.Error("a wrong password is good enough")
	}
}

func logIn(conf *tls.Config, m sasl.Mechanism) []kgo.Opt {
	return []kgo.Opt{kgo.DialTLSConfig(conf), kgo.SASL(m)}
}

// trusting is the configuration of a client that trusts the servers, with a certificate for each user given.
func trusting(t *testing.T, s *testservers.KafkaServer, users ...string) *tls.Config {
	t.Helper()
	conf := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	conf.RootCAs.AppendCertsFromPEM([]byte(s.Authority().PEM()))
	for _, user := range users {
		cert, key, err := s.Authority().Issue(user, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		conf.Certificates = append(conf.Certificates, pair)
	}
	return conf
}

// visible returns what the servers say about a topic.
func visible(t *testing.T, brokers []string, topic string, opts []kgo.Opt) error {
	t.Helper()
	topics, err := kadm.NewClient(kafkaClient(t, brokers, opts...)).ListTopics(t.Context(), topic)
	if err != nil {
		return err
	}
	return topics[topic].Err
}

func answers(t *testing.T, brokers []string, opts ...kgo.Opt) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return kafkaClient(t, brokers, append(opts, kgo.RequestRetries(0))...).Ping(ctx)
}

package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/leat-go/leat/settings"
)

func usesTLS(cfg *settings.Kafka) bool  { return strings.HasSuffix(cfg.SecurityProtocol, "SSL") }
func usesSASL(cfg *settings.Kafka) bool { return strings.HasPrefix(cfg.SecurityProtocol, "SASL_") }

// securityOpts are the client options for kafka.security_protocol and what belongs to it.
func securityOpts(cfg *settings.Kafka) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if usesTLS(cfg) {
		conf, err := tlsConfig(cfg)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if usesSASL(cfg) {
		mechanism, err := saslMechanism(cfg)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func tlsConfig(cfg *settings.Kafka) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	return conf, errors.Join(addAuthorities(conf, cfg.SSLCAFile), addCertificate(conf, cfg.SSLCertFile, cfg.SSLKeyFile))
}

func addAuthorities(conf *tls.Config, file settings.File) error {
	if file == "" {
		return nil
	}
	pem, err := file.Read()
	if err != nil {
		return fmt.Errorf("kafka.ssl_cafile: %w", err)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("kafka.ssl_cafile: no certificate in %s", file)
	}
	return nil
}

func addCertificate(conf *tls.Config, certFile, keyFile settings.File) error {
	if certFile == "" && keyFile == "" {
		return nil
	}
	if certFile == "" || keyFile == "" {
		return errors.New("kafka.ssl_certfile and kafka.ssl_keyfile need each other: set both or none")
	}
	cert, certErr := certFile.Read()
	key, keyErr := keyFile.Read()
	if err := errors.Join(certErr, keyErr); err != nil {
		return fmt.Errorf("kafka.ssl_certfile and kafka.ssl_keyfile: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("kafka.ssl_certfile and kafka.ssl_keyfile: %w", err)
	}
	conf.Certificates = []tls.Certificate{pair}
	return nil
}

func saslMechanism(cfg *settings.Kafka) (sasl.Mechanism, error) {
	if cfg.SASLMechanism == oauthBearer {
		tokens, err := tokenSource(cfg)
		return bearer{tokens}, err
	}
	if cfg.SASLUsername == "" {
		return nil, fmt.Errorf("kafka.sasl_username is required with %s (set KAFKA_SASL_USERNAME)", cfg.SecurityProtocol)
	}
	user, pass := cfg.SASLUsername, cfg.SASLPassword.Reveal()
	switch cfg.SASLMechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("kafka.sasl_mechanism is %q: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER with %s", cfg.SASLMechanism, cfg.SecurityProtocol)
	}
}

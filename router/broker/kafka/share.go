package kafka

import (
	"crypto/tls"
	"errors"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Shared is what a backend on another client library takes over from a [Broker].
type Shared struct {
	Settings settings.Kafka // with defaults filled in, and a ClientID
	TLS      *tls.Config    // nil without TLS
	Token    TokenSource    // nil without OAUTHBEARER
	Admin    *kadm.Client   // of the Broker, which closes it
	Logger   *slog.Logger
}

// Shared returns what another backend takes over from b. It fails when TLS files cannot be read.
func (b *Broker) Shared() (Shared, error) {
	s := Shared{Settings: b.cfg, Admin: b.admin, Logger: b.log}
	s.Settings.ClientID = b.clientID
	var tlsErr, tokenErr error
	if usesTLS(&b.cfg) {
		s.TLS, tlsErr = tlsConfig(&b.cfg)
	}
	if usesSASL(&b.cfg) && b.cfg.SASLMechanism == oauthBearer {
		s.Token, tokenErr = tokenSource(&b.cfg)
	}
	return s, errors.Join(tlsErr, tokenErr)
}

// FromHeaders separates the id of a record from its other headers, as it travels on Kafka.
func FromHeaders(hs []kgo.RecordHeader) (id string, headers broker.Headers) { return fromHeaders(hs) }

// ToHeaders is the opposite of [FromHeaders].
func ToHeaders(r *broker.Record) []kgo.RecordHeader { return toHeaders(r) }

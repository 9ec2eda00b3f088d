package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/leat-go/leat/router/broker"
)

const (
	connectPause = 250 * time.Millisecond
	// patience is how often the servers may hang up before that is taken as their answer.
	patience = 4
)

// Connect dials the servers until one answers or ctx ends. The error wraps
// [broker.ErrUnreachable] and names the addresses. Servers that refuse the log-in end it early.
func (b *Broker) Connect(ctx context.Context) error {
	if b.closed.Load() {
		return broker.ErrClosed
	}
	hungUp := 0
	for {
		err := b.control.Ping(ctx)
		if err == nil {
			b.identify(ctx)
			return nil
		}
		if errors.Is(err, io.EOF) {
			hungUp++
		}
		if ctx.Err() != nil || refused(err) || hungUp >= patience {
			return b.unreachable(err)
		}
		pause(ctx, connectPause)
	}
}

// identifyWithin bounds the wait for the ids of the producers.
const identifyWithin = 5 * time.Second

// identify gets the producers their ids before the first record: a record that waits for its producer's id
// fails with the connection, one that waits for anything else does not, and then later ones overtake it. A
// service that only reads may be refused an id, and needs none.
func (b *Broker) identify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, identifyWithin)
	defer cancel()
	for _, p := range []*producer{b.sends, b.outputs} {
		if _, _, err := p.cl.ProducerID(ctx); err != nil {
			b.log.Debug("no producer id yet", slog.String("error", err.Error()))
		}
	}
}

// Ping tells whether a server answers now.
func (b *Broker) Ping(ctx context.Context) error {
	if b.closed.Load() {
		return broker.ErrClosed
	}
	if err := b.control.Ping(ctx); err != nil {
		return b.unreachable(err)
	}
	return nil
}

func refused(err error) bool {
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) ||
		errors.Is(err, kerr.ClusterAuthorizationFailed)
}

func (b *Broker) unreachable(err error) error {
	return fmt.Errorf("%w: %s (set KAFKA_BOOTSTRAP_SERVERS)%s: %w",
		broker.ErrUnreachable, strings.Join(b.cfg.BootstrapServers, ", "), b.hint(err), err)
}

// hint says what an error probably means where its own words do not.
func (b *Broker) hint(err error) string {
	switch {
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return ": the servers do not offer " + b.cfg.SASLMechanism + " (check KAFKA_SASL_MECHANISM)"
	case errors.Is(err, kerr.SaslAuthenticationFailed), usesSASL(&b.cfg) && errors.Is(err, io.EOF):
		return ": the log-in as " + b.cfg.SASLUsername + " was probably refused (check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM)"
	case errors.Is(err, io.EOF), isTLSMismatch(err):
		return ": the servers hang up, " + b.cfg.SecurityProtocol + " is probably not what that port speaks (check KAFKA_SECURITY_PROTOCOL)"
	default:
		return ""
	}
}

func isTLSMismatch(err error) bool {
	return strings.Contains(err.Error(), "first record does not look like a TLS handshake")
}

// pause waits for d; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

package kafka

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// refused tells that the servers answer and that dialing again will not help.
func refused(err error) bool {
	if token, ok := errors.AsType[*tokenError](err); ok {
		return token.refused()
	}
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) ||
		errors.Is(err, kerr.ClusterAuthorizationFailed) || isDistrust(err) || isAlert(err) || isTLSMismatch(err)
}

// isDistrust tells that the servers' certificate was not taken.
func isDistrust(err error) bool { return distrust(err) != "" }

// isAlert tells that the servers ended the TLS handshake, which they do over the client's certificate.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// isTLSMismatch tells that one side speaks TLS and the other does not. The client has only words for it.
func isTLSMismatch(err error) bool {
	text := err.Error()
	return strings.Contains(text, "first record does not look like a TLS handshake") || strings.Contains(text, "appear to be a tls alert")
}

// hungUp tells that the servers closed the connection; they reset it when there was more to read.
func hungUp(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) }

// hint says what an error probably means where its own words do not.
func (b *Broker) hint(err error) string {
	if _, ok := errors.AsType[*tokenError](err); ok {
		return ": there is no token to log in with (check KAFKA_SASL_OAUTH_TOKEN_URL, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD)"
	}
	switch {
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return ": the servers do not offer " + b.cfg.SASLMechanism + " (check KAFKA_SASL_MECHANISM)"
	case errors.Is(err, kerr.SaslAuthenticationFailed), usesSASL(&b.cfg) && hungUp(err):
		return b.logInHint()
	case isDistrust(err):
		return distrust(err)
	case isAlert(err):
		return b.certificateHint()
	case hungUp(err), isTLSMismatch(err):
		return ": " + b.cfg.SecurityProtocol + " is probably not what that port speaks (check KAFKA_SECURITY_PROTOCOL)"
	default:
		return ""
	}
}

func (b *Broker) logInHint() string {
	if b.cfg.SASLMechanism != oauthBearer {
		return ": the log-in as " + b.cfg.SASLUsername + " was probably refused (check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_SASL_MECHANISM and KAFKA_SECURITY_PROTOCOL)"
	}
	if b.cfg.SASLOAuthToken != "" {
		return ": the token was probably refused (check KAFKA_SASL_OAUTH_TOKEN: has it expired?)"
	}
	return ": the token was probably refused (check KAFKA_SASL_OAUTH_TOKEN_URL and KAFKA_SASL_OAUTH_SCOPES)"
}

// distrust says why the servers' certificate was not taken, nothing when err is about something else.
func distrust(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ": the servers' certificate comes from an authority that is not trusted here (set KAFKA_SSL_CAFILE to the certificate of that authority)"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ": the servers' certificate is for another name than the one they were dialed by (check KAFKA_BOOTSTRAP_SERVERS and advertised.listeners)"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf(": the servers' certificate is good from %s to %s (have it renewed, or correct the clock)",
			day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	}
	return ""
}

// certificateHint says what is probably wrong with this client's certificate.
func (b *Broker) certificateHint() string {
	if b.cfg.SSLCertFile == "" {
		return ": the servers probably want a certificate (set KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE)"
	}
	conf, err := tlsConfig(&b.cfg)
	if err != nil || len(conf.Certificates) == 0 || conf.Certificates[0].Leaf == nil {
		return ": the servers do not take the certificate (check KAFKA_SSL_CERTFILE)"
	}
	leaf := conf.Certificates[0].Leaf
	if now := time.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return fmt.Sprintf(": the certificate in KAFKA_SSL_CERTFILE is good from %s to %s (have it renewed, or correct the clock)",
			day(leaf.NotBefore), day(leaf.NotAfter))
	}
	return fmt.Sprintf(": the servers do not take the certificate of %s from %s (check KAFKA_SSL_CERTFILE)", leaf.Subject, leaf.Issuer)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

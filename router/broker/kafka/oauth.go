package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/leat-go/leat/settings"
)

const oauthBearer = "OAUTHBEARER"

// TokenSource returns a token that is good now. It may be called concurrently.
type TokenSource func() (string, error)

// tokenSource is the fixed token of the settings, or gets tokens from their server and keeps each until
// shortly before it expires.
func tokenSource(cfg *settings.Kafka) (TokenSource, error) {
	fixed, server := cfg.SASLOAuthToken.Reveal(), cfg.SASLOAuthTokenURL.Reveal()
	switch {
	case fixed != "" && server != "":
		return nil, errors.New("kafka.sasl_oauth_token and kafka.sasl_oauth_token_url are both set: keep one of them")
	case fixed != "":
		return func() (string, error) { return fixed, nil }, nil
	case server == "":
		return nil, errors.New("kafka.sasl_oauth_token_url is required with OAUTHBEARER (set KAFKA_SASL_OAUTH_TOKEN_URL, or KAFKA_SASL_OAUTH_TOKEN)")
	case cfg.SASLUsername == "" || cfg.SASLPassword == "":
		return nil, errors.New("kafka.sasl_username and kafka.sasl_password are required with kafka.sasl_oauth_token_url: the client's id and secret (set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD)")
	}
	return fetchedTokens(cfg)
}

func fetchedTokens(cfg *settings.Kafka) (TokenSource, error) {
	client, err := tokenClient(cfg)
	if err != nil {
		return nil, err
	}
	credentials := clientcredentials.Config{
		ClientID: cfg.SASLUsername, ClientSecret: cfg.SASLPassword.Reveal(),
		TokenURL: cfg.SASLOAuthTokenURL.Reveal(), Scopes: cfg.SASLOAuthScopes,
	}
	tokens := credentials.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	return func() (string, error) {
		token, err := tokens.Token()
		if err != nil {
			return "", &tokenError{cfg.SASLOAuthTokenURL, err}
		}
		return token.AccessToken, nil
	}, nil
}

// tokenClient trusts the authorities of the system, and those of kafka.ssl_cafile too.
func tokenClient(cfg *settings.Kafka) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := addAuthorities(conf, cfg.SSLCAFile); err != nil {
		return nil, err
	}
	if system, err := x509.SystemCertPool(); err == nil && conf.RootCAs != nil {
		pem, _ := cfg.SSLCAFile.Read() // was read a moment ago
		system.AppendCertsFromPEM(pem)
		conf.RootCAs = system
	}
	transport := &http.Transport{TLSClientConfig: conf, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	return &http.Client{Transport: transport, Timeout: cfg.RequestTimeout}, nil
}

// tokenError is why there is no token. It repeats nothing of what the server of tokens was asked or wrote,
// its words for the reason aside.
type tokenError struct {
	url settings.URL
	err error
}

func (e *tokenError) Error() string {
	if answer, ok := errors.AsType[*oauth2.RetrieveError](e.err); ok {
		return strings.TrimSpace(fmt.Sprintf("get a token from %s: it answers %s %s", e.url, answer.Response.Status, answer.ErrorCode))
	}
	why := e.err
	if failed, ok := errors.AsType[*url.Error](why); ok {
		why = failed.Err // without the address, which may hold a secret
	}
	return fmt.Sprintf("get a token from %s: %v", e.url, why)
}

func (e *tokenError) Unwrap() error { return e.err }

// refused tells that asking again will not help.
func (e *tokenError) refused() bool {
	answer, ok := errors.AsType[*oauth2.RetrieveError](e.err)
	return ok && answer.Response.StatusCode/100 == 4
}

// bearer logs in with a token.
type bearer struct{ token TokenSource }

// Name is the name of the mechanism.
func (bearer) Name() string { return oauthBearer }

// Authenticate begins a log-in with a token that is good now.
func (m bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	token, err := m.token()
	if err != nil {
		return nil, nil, err
	}
	_, first, err := oauth.Auth{Token: token}.AsMechanism().Authenticate(ctx, host)
	return bearerSession{}, first, err
}

type bearerSession struct{}

// Challenge ends the log-in. Servers that refuse a token say so in a challenge, not with an error.
func (bearerSession) Challenge(answer []byte) (done bool, _ []byte, _ error) {
	if len(answer) > 0 {
		return false, nil, fmt.Errorf("%w: the servers do not take the token: %s", kerr.SaslAuthenticationFailed, answer)
	}
	return true, nil, nil
}

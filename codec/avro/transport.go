package avro

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

const (
	maxAnswerBytes = 4 << 20
	maxHeaderBytes = 64 << 10
)

var errAnswerTooLarge = fmt.Errorf("answer is larger than %d bytes", maxAnswerBytes)

// newHTTPClient returns a client that reads bounded answers and stays on the host it asks.
func newHTTPClient(cfg Config) (*http.Client, error) {
	var client http.Client
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	} else {
		transport, err := newTransport(cfg)
		if err != nil {
			return nil, err
		}
		client.Transport = transport
	}
	client.Transport = bounded{next: orDefault(client.Transport)}
	client.CheckRedirect = sameHost
	return &client, nil
}

func orDefault(t http.RoundTripper) http.RoundTripper {
	if t == nil {
		return http.DefaultTransport
	}
	return t
}

func newTransport(cfg Config) (*http.Transport, error) {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: maxCalls,
		IdleConnTimeout:     idleTimeout,

		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if cfg.CAFile == "" && cfg.CertFile == "" && cfg.KeyFile == "" {
		return transport, nil
	}
	var err error
	transport.TLSClientConfig, err = tlsConfig(cfg)
	return transport, err
}

func tlsConfig(cfg Config) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		pool, err := readPool(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		out.RootCAs = pool
	}
	if cfg.CertFile == "" && cfg.KeyFile == "" {
		return out, nil
	}
	if cfg.CertFile == "" || cfg.KeyFile == "" {
		return nil, errors.New("schema registry: a client certificate needs both its certfile and its keyfile")
	}
	pair, err := readPair(cfg)
	if err != nil {
		return nil, fmt.Errorf("schema registry client certificate: %w", err)
	}
	out.Certificates = []tls.Certificate{pair}
	return out, nil
}

func readPair(cfg Config) (tls.Certificate, error) {
	cert, err := readPEM(cfg.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readPEM(cfg.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

func readPool(file string) (*x509.CertPool, error) {
	data, err := readPEM(file)
	if err != nil {
		return nil, fmt.Errorf("schema registry cafile: %w", err)
	}
	pool := x509.NewCertPool()
	switch {
	case pool.AppendCertsFromPEM(data):
		return pool, nil
	case inline(file):
		return nil, errors.New("schema registry cafile: no PEM certificate in its text")
	}
	return nil, fmt.Errorf("schema registry cafile %s: no PEM certificate in it", file)
}

// readPEM reads a file, or takes the text that is there in place of its path.
func readPEM(file string) ([]byte, error) {
	if inline(file) {
		return []byte(file), nil
	}
	return os.ReadFile(file) //nolint:gosec // named in the settings
}

func inline(file string) bool { return strings.Contains(file, "-----BEGIN") }

func sameHost(r *http.Request, via []*http.Request) error {
	if first := via[0].URL; r.URL.Host != first.Host || r.URL.Scheme != first.Scheme {
		return errors.New("redirect to another host refused")
	}
	if len(via) > 3 {
		return errors.New("too many redirects")
	}
	return nil
}

// bounded gives answers that end with an error when they grow too large.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil && res.Body != nil {
		res.Body = &boundedBody{ReadCloser: res.Body, left: maxAnswerBytes}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errAnswerTooLarge
	}
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= n
	if b.left < 0 {
		return n, errAnswerTooLarge
	}
	return n, err
}

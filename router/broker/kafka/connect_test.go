package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/settings"
)

func TestUnreachableIsSaidInTime(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b := openBroker(t, config([]string{addr}))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	wantUnreachable(t, b.Connect(ctx), addr, "KAFKA_BOOTSTRAP_SERVERS")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func wantUnreachable(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, broker.ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not name %s", err, p)
		}
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	if err := errors.Join(b.Connect(within(t)), b.Connect(within(t)), b.Ping(within(t))); err != nil {
		t.Error(err)
	}
}

// What hangs up may be a proxy whose broker is away.
func TestConnectWaitsForAPortThatHangsUp(t *testing.T) {
	t.Parallel()
	server := testservers.KafkaFor(t).Brokers[0]
	addr, dialed := port(t, func(n int32, c net.Conn) {
		if n > 10 {
			answer(t, c, server)
		}
	})
	if err := openBroker(t, config([]string{addr})).Connect(within(t)); err != nil {
		t.Error(err)
	}
	if n := dialed(); n <= 10 {
		t.Errorf("it dialed %d times", n)
	}
}

// A port that takes connections and says nothing does not use up the time for another try.
func TestConnectLeavesConnectionsThatSayNothing(t *testing.T) {
	t.Parallel()
	silence := make(chan struct{})
	t.Cleanup(func() { close(silence) })
	k, cfg := withTLS(t)
	addr, dialed := port(t, func(n int32, c net.Conn) {
		if n <= 3 { // one of each client
			<-silence
			return
		}
		answer(t, c, k.Brokers[0])
	})
	cfg.BootstrapServers = []string{addr}
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	if err := openBroker(t, cfg).Connect(ctx); err != nil {
		t.Error(err)
	}
	if n := dialed(); n <= 3 {
		t.Errorf("it dialed %d times", n)
	}
}

// port has connections served, which count from 1, and closed. It tells how many there were.
func port(t *testing.T, serve func(n int32, c net.Conn)) (addr string, dialed func() int32) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var count atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := count.Add(1)
			go func() { serve(n, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String(), count.Load
}

// answer lets a server of the tests answer for this port.
func answer(t *testing.T, c net.Conn, server string) {
	t.Helper()
	s, err := new(net.Dialer).DialContext(t.Context(), "tcp", server)
	if err != nil {
		t.Error(err)
		return
	}
	go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
	_, _ = io.Copy(c, s)
}

// atItsEnd is a context whose deadline is over a moment before it ends, which is when dialing fails already.
type atItsEnd struct {
	context.Context //nolint:containedctx // it is one itself
	deadline        time.Time
}

func (c atItsEnd) Deadline() (time.Time, bool) { return c.deadline, true }

// What dialing says when its time is over does not hide what servers said before.
func TestTheEndOfTheTimeHidesNoAnswer(t *testing.T) {
	t.Parallel()
	for name, hangUp := range map[string]func(net.Conn){"closed": func(net.Conn) {}, "reset": reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := port(t, func(_ int32, c net.Conn) { hangUp(c) })
			cfg := config([]string{addr})
			cfg.SecurityProtocol, cfg.SASLMechanism, cfg.SASLUsername, cfg.SASLPassword = "SASL_PLAINTEXT", "PLAIN", "ada", "secret"
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			wantUnreachable(t, openBroker(t, cfg).Connect(atItsEnd{ctx, time.Now().Add(time.Second)}), "KAFKA_SASL_PASSWORD", "ada")
		})
	}
}

// reset has a connection end as one does with something left to read.
func reset(c net.Conn) {
	_, _ = c.Read(make([]byte, 1))
	_ = c.(*net.TCPConn).SetLinger(0) //nolint:forcetypeassert // it is one
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			k := testservers.EmbeddedKafka(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "ada", "secret"), kfake.SeedTopics(1, "t"))
			cfg := config(k.Brokers)
			cfg.SecurityProtocol, cfg.SASLMechanism, cfg.SASLUsername, cfg.SASLPassword = "SASL_PLAINTEXT", mechanism, "ada", "secret"
			b := openBroker(t, cfg)
			if err := b.Connect(within(t)); err != nil {
				t.Fatal(err)
			}
			produce(t, b.Sends(), &broker.Record{Topic: "t", Value: []byte("v")})
			cfg.SASLPassword = "wrong" // which this server never says: the client tries until the time is over
			wantUnreachable(t, openBroker(t, cfg).Connect(briefly(t)), "KAFKA_SASL_PASSWORD", "ada", k.Brokers[0])
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	k, cfg := withTLS(t)
	wantUnreachable(t, openBroker(t, config(k.Brokers)).Connect(briefly(t)), "KAFKA_SECURITY_PROTOCOL")
	if err := openBroker(t, cfg).Connect(within(t)); err != nil {
		t.Error(err)
	}
}

// withTLS is a server that wants certificates, and what a client needs for it.
func withTLS(t *testing.T) (testservers.Kafka, settings.Kafka) {
	t.Helper()
	cert, certPEM, keyPEM := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(certPEM))
	k := testservers.EmbeddedKafka(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}))
	cfg := config(k.Brokers)
	cfg.SecurityProtocol = "SSL"
	cfg.SSLCAFile, cfg.SSLCertFile, cfg.SSLKeyFile = settings.File(certPEM), settings.File(certPEM), settings.File(keyPEM)
	return k, cfg
}

// certificate signs itself and is good for client and server on the loopback.
func certificate(t *testing.T) (cert tls.Certificate, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	cert, err = tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		t.Fatal(err)
	}
	return cert, certPEM, keyPEM
}

func TestAllFaultsOfTheSettingsAreReportedTogether(t *testing.T) {
	t.Parallel()
	cfg := config([]string{"localhost:9092"})
	cfg.SecurityProtocol, cfg.CompressionType, cfg.SSLCAFile, cfg.SSLKeyFile = "SASL_SSL", "brotli", "/no/such/file", "/no/such/key"
	cfg.HeartbeatInterval = cfg.SessionTimeout
	_, err := kafka.New(cfg)
	for _, want := range []string{"compression_type", "ssl_cafile", "ssl_keyfile", "heartbeat_interval"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	cfg = config([]string{"localhost:9092"})
	cfg.SecurityProtocol = "SASL_PLAINTEXT"
	if _, err := kafka.New(cfg); err == nil || !strings.Contains(err.Error(), "KAFKA_SASL_USERNAME") {
		t.Errorf("got %v", err)
	}
}

func TestAClosedBrokerSaysSo(t *testing.T) {
	t.Parallel()
	b, err := kafka.New(config(testservers.KafkaFor(t).Brokers))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(within(t)), b.Close(within(t))); err != nil {
		t.Error(err)
	}
	_, joinErr := b.Join(within(t), broker.Group{Name: "g"})
	for _, err := range []error{
		b.Connect(within(t)), b.Ping(within(t)), joinErr,
		produceOne(t, b.Sends(), &broker.Record{Topic: "t"}), produceOne(t, b.Outputs(), &broker.Record{Topic: "t"}),
	} {
		if !errors.Is(err, broker.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}

func TestConnectionsBeginWithARequestThatServersKnow(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	var asked, highest atomic.Int32
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ApiVersions}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
		asked.Add(1)
		highest.Store(max(highest.Load(), int32(r.GetVersion())))
		return true
	}})
	if err := b.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	if n, v := asked.Load(), highest.Load(); n == 0 || v != 4 {
		t.Errorf("%d requests, at most in version %d: Kafka has 4 up to 4.3", n, v)
	}
}

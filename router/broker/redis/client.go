package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/leat-go/leat/settings"
)

// clientOptions turns settings into the options of a client. It reads files and dials nothing.
func clientOptions(cfg settings.Redis) (*redis.UniversalOptions, error) {
	u, err := redis.ParseURL(cfg.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("redis.url %s is no address, write redis://host:6379/0 (set REDIS_URL)", cfg.URL)
	}
	tlsConfig, err := tlsOptions(cfg, u.TLSConfig)
	o := &redis.UniversalOptions{
		Addrs: []string{u.Addr}, DB: u.DB, Username: u.Username, Password: u.Password, TLSConfig: tlsConfig,
		PoolSize: cfg.PoolSize, IsClusterMode: cfg.Cluster, MasterName: cfg.SentinelMaster,
		Protocol: 2, DialerRetries: 1, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaxRetries:               -1, // a repeated command could swap or skip entries
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if u.Network == "unix" {
		o.Dialer = dialUnix
	}
	return o, errors.Join(err, override(o, cfg))
}

// override puts the settings of their own above what the address says.
func override(o *redis.UniversalOptions, cfg settings.Redis) error {
	if cfg.Username != "" {
		o.Username = cfg.Username
	}
	if cfg.Password != "" {
		o.Password = cfg.Password.Reveal()
	}
	if len(cfg.SentinelAddrs) > 0 {
		o.Addrs = cfg.SentinelAddrs
	}
	if (len(cfg.SentinelAddrs) > 0) != (cfg.SentinelMaster != "") {
		return errors.New("redis.sentinel_addrs and redis.sentinel_master need each other (set REDIS_SENTINEL_ADDRS and REDIS_SENTINEL_MASTER)")
	}
	if cfg.Cluster && o.DB != 0 {
		return fmt.Errorf("a redis cluster has database 0 alone, not %d (set REDIS_URL)", o.DB)
	}
	return nil
}

func dialUnix(ctx context.Context, _, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", addr)
}

func tlsOptions(cfg settings.Redis, base *tls.Config) (*tls.Config, error) {
	if cfg.TLSCAFile == "" && cfg.TLSCertFile == "" && cfg.TLSKeyFile == "" {
		return base, nil
	}
	if base == nil {
		base = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return base, errors.Join(addAuthorities(base, cfg.TLSCAFile), addCertificate(base, cfg.TLSCertFile, cfg.TLSKeyFile))
}

func addAuthorities(c *tls.Config, ca settings.File) error {
	if ca == "" {
		return nil
	}
	text, err := ca.Read()
	if err != nil {
		return fmt.Errorf("redis.tls_cafile: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("redis.tls_cafile %s has no certificate in PEM", ca)
	}
	return nil
}

func addCertificate(c *tls.Config, cert, key settings.File) error {
	if cert == "" && key == "" {
		return nil
	}
	if cert == "" || key == "" {
		return errors.New("redis.tls_certfile and redis.tls_keyfile need each other")
	}
	certText, err := cert.Read()
	if err != nil {
		return fmt.Errorf("redis.tls_certfile: %w", err)
	}
	keyText, err := key.Read()
	if err != nil {
		return fmt.Errorf("redis.tls_keyfile: %w", err)
	}
	pair, err := tls.X509KeyPair(certText, keyText)
	if err != nil {
		return fmt.Errorf("redis.tls_certfile: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}

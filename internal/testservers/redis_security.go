package testservers

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// redisTLS is the second port of a server, for clients with a certificate.
type redisTLS struct {
	addr      string
	authority *Authority
	args      []string
}

// TLSAddr returns host:port for clients that show a certificate, "" without [RedisOptions].TLS.
func (s *RedisServer) TLSAddr() string {
	if s.tls == nil {
		return ""
	}
	return s.tls.addr
}

// Authority is who has issued the server's certificate and those that it takes from clients, nil without
// [RedisOptions].TLS.
func (s *RedisServer) Authority() *Authority {
	if s.tls == nil {
		return nil
	}
	return s.tls.authority
}

func newRedisTLS(ctx context.Context, dir string) (*redisTLS, error) {
	authority, err := NewAuthority()
	if err != nil {
		return nil, fmt.Errorf("certificates of redis: %w", err)
	}
	cert, key, err := authority.Issue("localhost", time.Now().Add(24*time.Hour))
	if err != nil {
		return nil, fmt.Errorf("certificates of redis: %w", err)
	}
	port, err := FreePort(ctx)
	if err != nil {
		return nil, err
	}
	t := &redisTLS{addr: loopback(port), authority: authority, args: []string{"--tls-port", strconv.Itoa(port), "--tls-auth-clients", "yes"}}
	return t, t.write(dir, map[string]string{
		"tls-ca-cert-file": authority.PEM(), "tls-cert-file": cert, "tls-key-file": key,
	})
}

// write keeps each text in a file of the folder and names it by its option.
func (t *redisTLS) write(dir string, files map[string]string) error {
	for _, option := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, option+".pem")
		if err := os.WriteFile(path, []byte(files[option]), 0o600); err != nil {
			return fmt.Errorf("certificates of redis: %w", err)
		}
		t.args = append(t.args, "--"+option, path)
	}
	return nil
}

func userArgs(users map[string]string) []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(users)) {
		args = append(append(args, "--user", name), strings.Fields(users[name])...)
	}
	return args
}

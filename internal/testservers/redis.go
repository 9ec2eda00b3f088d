package testservers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// RedisOptions says how a Redis server is started. The zero value is a server that keeps everything in
// memory.
type RedisOptions struct {
	Port        int      // 0: a free one
	DataDir     string   // kept after Close; empty: a temporary one
	AppendOnly  bool     // writes the append-only file, so that data survive Kill and Restart
	AppendFsync string   // always, everysec or no; empty: Redis' default (everysec)
	Args        []string // further arguments of redis-server, for instance "--maxmemory", "10mb"

	// Users are further ACL users and their rules, for instance "on >secret ~* &* +@all". The default user
	// keeps all rights and needs no password.
	Users map[string]string
	// TLS adds a second port, where a client shows a certificate of [RedisServer.Authority].
	TLS bool
}

// RedisServer is a Redis server on this machine. Its methods may be called concurrently.
type RedisServer struct {
	addr, logFile string
	argv          []string
	dir           folder
	tls           *redisTLS // nil without RedisOptions.TLS

	mu      sync.Mutex
	proc    *process
	version string
}

// StartRedis starts redis-server from PATH and returns when it answers. The caller closes it; ctx bounds
// the start alone.
func StartRedis(ctx context.Context, o RedisOptions) (*RedisServer, error) {
	return startRedis(ctx, o, func(s *RedisServer, port int) ([]string, error) {
		args := append(o.args(port, s.dir.path), userArgs(o.Users)...)
		if !o.TLS {
			return append(args, o.Args...), nil
		}
		var err error
		if s.tls, err = newRedisTLS(ctx, s.dir.path); err != nil {
			return nil, err
		}
		return append(append(args, s.tls.args...), o.Args...), nil
	})
}

// startRedis starts a server with the arguments that prepare returns for its folder and port.
func startRedis(ctx context.Context, o RedisOptions, prepare func(s *RedisServer, port int) ([]string, error)) (*RedisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, unavailable{errors.New("no redis-server in PATH (Debian: apt-get install redis-server)")}
	}
	port, err := portOr(ctx, o.Port)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	dir, err := openFolder(o.DataDir, "redis")
	if err != nil {
		return nil, err
	}
	s := &RedisServer{addr: loopback(port), dir: dir, logFile: filepath.Join(dir.path, "server.log")}
	args, err := prepare(s, port)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.argv = append([]string{program}, args...)
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o RedisOptions) args(port int, dir string) []string {
	args := []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--daemonize", "no", "--appendonly", yesNo(o.AppendOnly),
	}
	if o.AppendFsync != "" {
		args = append(args, "--appendfsync", o.AppendFsync)
	}
	return args
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Addr returns host:port. It stays the same over Restart.
func (s *RedisServer) Addr() string { return s.addr }

// URL returns the address as a redis:// URL of database 0.
func (s *RedisServer) URL() string { return Redis{Addr: s.addr}.URL() }

// Version returns the version that the server reported, for instance 7.0.15.
func (s *RedisServer) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// Pid is the number of the server's process, which changes with Restart.
func (s *RedisServer) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.pid()
}

// Kill ends the server at once (SIGKILL).
func (s *RedisServer) Kill() error { return s.ending((*process).kill) }

// Stop lets the server end by itself (SIGTERM).
func (s *RedisServer) Stop() error { return s.ending((*process).stop) }

// Close stops the server and removes its data unless they lie in RedisOptions.DataDir.
func (s *RedisServer) Close() error { return errors.Join(s.Stop(), s.dir.release()) }

func (s *RedisServer) ending(end func(*process) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	return end(s.proc)
}

// Restart starts the server again after Kill or Stop, on the same port and data, and returns when it
// answers. A running server is left alone.
func (s *RedisServer) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.running() {
		return nil
	}
	p, err := startProcess(ctx, "redis at "+s.addr, s.dir.path, s.logFile, s.argv...)
	if err != nil {
		return err
	}
	s.proc = p
	return p.ready(ctx, s.ask)
}

// ask succeeds when the server behind the address is the one that was started and has loaded its data.
func (s *RedisServer) ask(ctx context.Context) error {
	if !accepts(ctx, s.addr) { // the client would log its failure to dial
		return fmt.Errorf("nothing listens at %s", s.addr)
	}
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer c.Close() //nolint:errcheck // asked once, nothing to flush
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	if pid := field(info, "process_id"); pid != strconv.Itoa(s.proc.pid()) {
		return fmt.Errorf("another redis (pid %s) answers at %s", pid, s.addr)
	}
	s.version = field(info, "redis_version")
	return c.Ping(ctx).Err()
}

// field returns the value of a line "name:value" of Redis' INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

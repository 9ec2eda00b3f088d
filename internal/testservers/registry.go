package testservers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RegistryOptions says how a schema registry is started. The zero value is one on a free port.
type RegistryOptions struct {
	Port int    // 0: a free one
	Heap string // as in -Xmx; empty: 384m
}

// RegistryServer is an Apicurio registry on this machine, which keeps its schemas in memory. Its methods may
// be called concurrently.
type RegistryServer struct {
	url  string
	dir  folder
	argv []string

	mu   sync.Mutex
	proc *process
}

// StartRegistry starts the registry with the compatibility level BACKWARD and returns when it answers. The
// first start on a machine fetches it with Maven. The caller closes it; ctx bounds the start alone.
func StartRegistry(ctx context.Context, o RegistryOptions) (*RegistryServer, error) {
	program, err := java()
	if err != nil {
		return nil, err
	}
	app, err := fetched(ctx, "apicurio-"+pinned().Apicurio, "dependency:unpack")
	if err != nil {
		return nil, err
	}
	port, err := portOr(ctx, o.Port)
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	dir, err := openFolder("", "registry")
	if err != nil {
		return nil, err
	}
	s := &RegistryServer{url: "http://" + loopback(port) + "/apis/ccompat/v7", dir: dir}
	s.argv = o.command(program, app, port)
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o RegistryOptions) command(java, app string, port int) []string {
	heap := o.Heap
	if heap == "" {
		heap = "384m"
	}
	return []string{
		java, "-Xmx" + heap, "-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port=" + strconv.Itoa(port),
		"-jar", filepath.Join(app, "apicurio-registry-app-"+pinned().Apicurio+"-runner.jar"),
	}
}

// URL returns the base URL of the Confluent API. It stays the same over Restart.
func (s *RegistryServer) URL() string { return s.url }

// Version returns name and version of the registry, for instance apicurio 3.0.9.
func (s *RegistryServer) Version() string { return "apicurio " + pinned().Apicurio }

// Kill ends the registry at once (SIGKILL). Its schemas are lost.
func (s *RegistryServer) Kill() error { return s.ending((*process).kill) }

// Close ends the registry.
func (s *RegistryServer) Close() error { return errors.Join(s.Kill(), s.dir.release()) }

func (s *RegistryServer) ending(end func(*process) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	return end(s.proc)
}

// Restart starts the registry again after Kill, on the same port and without its former schemas, and
// returns when it answers. A running registry is left alone.
func (s *RegistryServer) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.running() {
		return nil
	}
	p, err := startProcess(ctx, "registry at "+s.url, s.dir.path, filepath.Join(s.dir.path, "server.log"), s.argv...)
	if err != nil {
		return err
	}
	s.proc = p
	return p.ready(ctx, s.setLevel)
}

// setLevel has the registry refuse what breaks its readers, which Apicurio does not do by default. That it
// answers also shows that it is ready.
func (s *RegistryServer) setLevel(ctx context.Context) error {
	body := strings.NewReader(`{"compatibility":"BACKWARD"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.url+"/config", body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing was left to read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT /config of %s answers %s", s.url, resp.Status)
	}
	return nil
}

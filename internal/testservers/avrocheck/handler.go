package avrocheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
)

const maxBody = 4 << 20

// The error codes of the Confluent API that are given here.
const (
	codeInvalidSchema = 42201
	codeIncompatible  = http.StatusConflict
)

// Handler returns a handler that checks Avro schemas which are registered or tested, and passes everything
// else, and whatever is accepted, on to registry. It may be called concurrently when registry may.
func Handler(registry http.Handler) http.Handler {
	c := &checker{registry: registry}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", c.register)
	mux.HandleFunc("POST /compatibility/subjects/{subject}/versions", c.test)
	mux.HandleFunc("POST /compatibility/subjects/{subject}/versions/{version}", c.test)
	mux.Handle("/", registry)
	return mux
}

type checker struct {
	registry http.Handler
	mu       sync.Mutex // from a check to the registration that follows from it
}

func (c *checker) register(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in, err := c.read(req)
	switch {
	case err != nil:
		refuse(w, http.StatusUnprocessableEntity, codeInvalidSchema, err)
		return
	case in.schema == nil || in.known():
		in.passOn(w)
		return
	}
	if faults := in.faults(""); len(faults) > 0 {
		refuse(w, http.StatusConflict, codeIncompatible, fmt.Errorf(
			"schema being registered is incompatible with an earlier schema for subject %q: %w", in.subject, errors.Join(faults...)))
		return
	}
	in.passOn(w)
}

// test answers whether a schema could be registered. The registry behind is asked too: it knows which
// subjects and versions exist.
func (c *checker) test(w http.ResponseWriter, req *http.Request) {
	in, err := c.read(req)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, codeInvalidSchema, err)
		return
	}
	faults := in.faults(req.PathValue("version"))
	if in.schema == nil || len(faults) == 0 {
		in.passOn(w)
		return
	}
	answer(w, http.StatusOK, map[string]any{"is_compatible": false, "messages": texts(faults)})
}

// read takes the schema out of a request. The schema of the result is nil when there is nothing to check.
func (c *checker) read(req *http.Request) (*candidate, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, req.Body, maxBody))
	if err != nil {
		return nil, err
	}
	in := &candidate{behind: behind{c.registry, req}, subject: req.PathValue("subject"), body: body}
	var s sr.Schema
	if err := json.Unmarshal(body, &s); err != nil || s.Type != sr.TypeAvro {
		return in, nil //nolint:nilerr // the registry behind refuses what is no request
	}
	in.schema, err = in.parse(s)
	return in, err
}

func (in *candidate) passOn(w http.ResponseWriter) {
	req := in.req.Clone(in.req.Context())
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(in.body)), int64(len(in.body))
	in.registry.ServeHTTP(w, req)
}

func refuse(w http.ResponseWriter, status, code int, err error) {
	answer(w, status, map[string]any{"error_code": code, "message": err.Error()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone; nobody else to tell
}

func texts(errs []error) []string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	return list
}

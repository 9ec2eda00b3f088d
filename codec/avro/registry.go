package avro

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
)

const (
	attemptTimeout = 2 * time.Second
	coolDown       = 5 * time.Second
	idleTimeout    = 90 * time.Second
	maxCalls       = 16 // calls to the registry at the same time
)

// registry asks several schema registries as one. It prefers the one that answered last and
// asks one that failed a moment ago only after the others.
type registry struct {
	nodes []*node
	good  atomic.Int64 // the node that answered last
	last  atomic.Pointer[outage]
	slots chan struct{}
	log   *slog.Logger

	patience time.Duration // with one attempt
}

type node struct {
	url    string // without user and password
	client *sr.Client
	failed atomic.Int64 // unix nanoseconds of the last failure, 0 after an answer
	proven atomic.Bool  // it has answered as a schema registry does
}

func newRegistry(cfg Config) (*registry, error) {
	client, err := newHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	r := &registry{slots: make(chan struct{}, maxCalls), log: cfg.Logger, patience: attemptTimeout}
	var faults []error
	seen := map[string]bool{}
	for _, text := range cfg.URLs {
		n, err := newNode(text, client, cfg)
		if err == nil && seen[n.url] {
			err = fmt.Errorf("schema registry URL %s is listed twice", n.url)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		seen[n.url] = true
		r.nodes = append(r.nodes, n)
	}
	return r, errors.Join(faults...)
}

func newNode(text string, client *http.Client, cfg Config) (*node, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("schema registry URL is malformed (set KAFKA_SCHEMA_REGISTRY_URL to http://host:port)")
	}
	user, password := cfg.Username, cfg.Password
	if u.User != nil && user == "" {
		user = u.User.Username()
		password, _ = u.User.Password()
	}
	u.User = nil
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("schema registry URL %q: want http://host:port or https://host:port", u)
	}
	base := strings.TrimRight(u.String(), "/")
	opts := []sr.ClientOpt{sr.URLs(base), sr.HTTPClient(client), sr.UserAgent("leat"), sr.LogLevel(sr.LogLevelNone)}
	switch {
	case cfg.Token != "":
		opts = append(opts, sr.BearerToken(cfg.Token))
	case user != "":
		opts = append(opts, sr.BasicAuth(user, password))
	}
	c, err := sr.NewClient(opts...)
	return &node{url: base, client: c}, err
}

// verdict is what an answer means for the question that was asked.
type verdict int

const (
	answered verdict = iota
	missing          // a registry says there is no such thing
	refused          // a registry says no: 409, 422
	barred           // credentials or the request were refused: somebody has to look
	failed           // no usable answer: ask the next one
)

// errMalformed is a 200 that lacks what was asked for.
var errMalformed = errors.New("malformed answer")

func judge(err error) verdict {
	var answer *sr.ResponseError
	switch {
	case err == nil:
		return answered
	case !errors.As(err, &answer):
		return failed
	}
	code := answer.StatusCode
	switch {
	case code == http.StatusNotFound:
		return missing
	case code == http.StatusConflict, code == http.StatusUnprocessableEntity:
		return refused
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500, code < 400:
		return failed
	}
	return barred
}

// question is one call on one registry. It returns errMalformed for an answer without
// content, which the client library takes for an answer.
type question func(ctx context.Context, c *sr.Client) error

// ask puts q to one registry after the other until one gives a verdict. With everyone, a
// registry that says missing is not believed until all have said so.
func (r *registry) ask(ctx context.Context, everyone bool, q question) error {
	if err := r.enter(ctx); err != nil {
		return unavailable(err)
	}
	defer func() { <-r.slots }()
	var faults []error
	var absent error
	for _, i := range r.order() {
		if err := ctx.Err(); err != nil {
			faults = append(faults, err)
			break
		}
		v, err := r.attempt(ctx, i, q)
		switch {
		case v == failed:
			faults = append(faults, r.nodes[i].fault(err))
		case v == missing && everyone:
			absent = r.nodes[i].fault(err)
		default:
			return r.answered(v, r.nodes[i].settle(v, err))
		}
	}
	if len(faults) > 0 {
		return r.answered(failed, unavailable(fmt.Errorf("schema registry: %w", errors.Join(faults...))))
	}
	r.last.Store(nil)
	return &missingError{absent}
}

func (r *registry) enter(ctx context.Context) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a schema registry call: %w", ctx.Err())
	}
}

// order lists the nodes: the one that answered last first, those that cool down last.
func (r *registry) order() []int {
	first := int(r.good.Load())
	var ready, cooling []int
	for i := range r.nodes {
		n := (first + i) % len(r.nodes)
		if at := r.nodes[n].failed.Load(); at != 0 && time.Since(time.Unix(0, at)) < coolDown {
			cooling = append(cooling, n)
		} else {
			ready = append(ready, n)
		}
	}
	return append(ready, cooling...)
}

func (r *registry) attempt(ctx context.Context, i int, q question) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	n := r.nodes[i]
	err := q(ctx, n.client)
	v := judge(err)
	if v == missing && codeless(err) && !n.isRegistry(ctx) {
		v = failed
	}
	if v == failed {
		if n.failed.Swap(time.Now().UnixNano()) == 0 {
			r.log.Warn("schema registry does not answer", "url", n.url, "error", err)
		}
		return v, err
	}
	if n.failed.Swap(0) != 0 {
		r.log.Info("schema registry answers again", "url", n.url)
	}
	if v != barred && !codeless(err) {
		n.proven.Store(true)
	}
	r.good.Store(int64(i))
	return v, err
}

// codeless reports an answer without the error code that schema registries give: that of a
// proxy, of another server, or of a registry that lacks the endpoint.
func codeless(err error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && answer.ErrorCode == 0
}

// isRegistry tells a registry that lacks an endpoint from a wrong URL.
func (n *node) isRegistry(ctx context.Context) bool {
	if n.proven.Load() {
		return true
	}
	err := readLevel(ctx, n.client)
	return err == nil || (judge(err) == missing && !codeless(err))
}

// readLevel asks for the compatibility level, a short answer that every registry has.
func readLevel(ctx context.Context, c *sr.Client) error {
	var level struct {
		Level string `json:"compatibilityLevel"`
	}
	if err := c.Do(ctx, http.MethodGet, "/config", nil, &level); err != nil {
		return err
	}
	if level.Level == "" {
		return errMalformed
	}
	return nil
}

// missingError is the answer that something is not there.
type missingError struct{ err error }

func (e *missingError) Error() string { return e.err.Error() }
func (e *missingError) Unwrap() error { return e.err }

func (n *node) settle(v verdict, err error) error {
	switch v {
	case answered:
		return nil
	case missing:
		return &missingError{n.fault(err)}
	case barred:
		return unavailable(fmt.Errorf("schema registry refused the request, check its credentials: %w", n.fault(err)))
	case refused, failed:
	}
	return n.fault(err)
}

// fault names the registry and its answer, cut to a length that fits a log line.
func (n *node) fault(err error) error {
	if answer, ok := errors.AsType[*sr.ResponseError](err); ok {
		hint, limit := "", maxAnswer
		if judge(err) == refused {
			limit = maxReason
		}
		if answer.StatusCode == http.StatusNotFound && codeless(err) {
			hint = " (no schema registry's answer: is the path of the URL right?)"
		}
		return &answerError{answer, fmt.Sprintf("%s: status %d: %s%s", n.url, answer.StatusCode, cut(reason(answer), limit), hint)}
	}
	return fmt.Errorf("%s: %w", n.url, err)
}

type answerError struct {
	answer *sr.ResponseError
	text   string
}

func (e *answerError) Error() string { return e.text }
func (e *answerError) Unwrap() error { return e.answer }

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// ping returns nil when a registry answers; one without a global level answers too.
func (r *registry) ping(ctx context.Context) error {
	err := r.ask(ctx, false, readLevel)
	if isMissing(err) {
		return nil
	}
	return err
}

func isMissing(err error) bool {
	var m *missingError
	return errors.As(err, &m)
}

func isUnavailable(err error) bool { return errors.Is(err, codec.ErrUnavailable) }

package avro

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	maxWriters  = 4096
	loadTimeout = 30 * time.Second // for a schema with all that it refers to
)

// writer is the schema of messages that somebody wrote, or why it can never be used.
type writer struct {
	schema *schema
	err    error
}

// writers finds the schemas that messages were written with: those of the service's own
// types by fingerprint, others by asking the registry once.
type writers struct {
	registry *registry // nil without one
	loaded   *cache[schemaKey, *writer]
	absent   absences
	flight   flights[schemaKey, *writer]
	own      sync.Map // fingerprint to *writer: the schemas of the service itself
}

func newWriters(r *registry) *writers {
	return &writers{registry: r, loaded: newCache[schemaKey, *writer](maxWriters)}
}

var errUnknownType = errors.New("no type of this service has this fingerprint")

// find returns the writer for key. It waits for the registry when it must, no longer than
// ctx; callers for the same key share one question.
func (w *writers) find(ctx context.Context, key schemaKey) (*writer, error) {
	if found, ok := w.loaded.get(key); ok {
		return found, found.err
	}
	if found, ok := w.own.Load(key); ok {
		return found.(*writer), nil
	}
	if key.kind == byFingerprint {
		return nil, errUnknownType
	}
	if w.registry == nil {
		return nil, errors.New("no schema registry is configured (set KAFKA_SCHEMA_REGISTRY_URL)")
	}
	if err := w.absent.recall(key); err != nil {
		return nil, err
	}
	found, err := w.flight.do(ctx, key, func(ctx context.Context) (*writer, error) { return w.load(ctx, key) })
	if err != nil {
		return nil, err
	}
	return found, found.err
}

// known lets single objects of s be read. It returns the schema kept under its fingerprint,
// which is that of the first.
func (w *writers) known(s *schema) *schema {
	kept, _ := w.own.LoadOrStore(fingerprintKey(s.fingerprint), &writer{schema: s})
	return kept.(*writer).schema
}

func (w *writers) load(ctx context.Context, key schemaKey) (*writer, error) {
	if found, ok := w.loaded.get(key); ok {
		return found, nil
	}
	texts, err := w.fetch(ctx, key)
	switch {
	case isMissing(err), key.kind == byGUID && refusesName(err):
		return nil, w.absent.note(key, err)
	case isUnavailable(err):
		return nil, err
	case isAnswer(err):
		return nil, unavailable(err) // no answer to a question for an id: somebody has to look
	}
	w.absent.forget(key)
	found := &writer{err: err}
	if err == nil {
		found.schema, found.err = compile(texts...)
	}
	return w.loaded.put(key, found), nil
}

// fetch returns the texts of the schema and of those it refers to, that of key last.
func (w *writers) fetch(ctx context.Context, key schemaKey) ([]string, error) {
	var got sr.Schema
	err := w.registry.ask(ctx, true, func(ctx context.Context, c *sr.Client) (err error) {
		got, err = askFor(ctx, c, key)
		if err == nil && got.Schema == "" {
			return errMalformed
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if got.Type != sr.TypeAvro {
		return nil, fmt.Errorf("it is a %s schema, not an Avro one", got.Type)
	}
	closure := closure{registry: w.registry, state: map[reference]bool{}}
	if err := closure.add(ctx, got.References, 1); err != nil {
		return nil, err
	}
	return append(closure.texts, got.Schema), nil
}

// refusesName reports an answer that finds fault with the GUID itself, which came from the
// message.
func refusesName(err error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) &&
		(answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusUnprocessableEntity)
}

func isAnswer(err error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer)
}

func askFor(ctx context.Context, c *sr.Client, key schemaKey) (sr.Schema, error) {
	if key.kind == byGUID {
		s, err := c.SchemaByGUID(ctx, key.String())
		return s.Schema, err
	}
	return c.SchemaByID(ctx, int(key.id))
}

type reference struct {
	subject string
	version int
}

// closure collects what a schema refers to, in the order in which it has to be parsed.
type closure struct {
	registry *registry
	state    map[reference]bool // false while it is collected, true when done
	texts    []string
}

func (c *closure) add(ctx context.Context, refs []sr.SchemaReference, depth int) error {
	for _, ref := range refs {
		if err := c.one(ctx, reference{ref.Subject, ref.Version}, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *closure) one(ctx context.Context, ref reference, depth int) error {
	done, seen := c.state[ref]
	switch {
	case done:
		return nil
	case seen:
		return fmt.Errorf("its reference to %s version %d leads back to itself", ref.subject, ref.version)
	case len(c.state) >= maxReferences:
		return fmt.Errorf("it refers to more than %d schemas", maxReferences)
	case depth > maxRefDepth:
		return fmt.Errorf("its references are nested deeper than %d", maxRefDepth)
	}
	c.state[ref] = false
	s, err := c.fetch(ctx, ref)
	if err != nil {
		return err
	}
	if err := c.add(ctx, s.References, depth+1); err != nil {
		return err
	}
	c.state[ref] = true
	c.texts = append(c.texts, s.Schema.Schema)
	return nil
}

func (c *closure) fetch(ctx context.Context, ref reference) (sr.SubjectSchema, error) {
	var got sr.SubjectSchema
	err := c.registry.ask(ctx, true, func(ctx context.Context, cl *sr.Client) (err error) {
		got, err = cl.SchemaByVersion(ctx, ref.subject, ref.version)
		if err == nil && got.Schema.Schema == "" {
			return errMalformed
		}
		return err
	})
	if err != nil {
		return got, fmt.Errorf("its reference to %s version %d: %w", ref.subject, ref.version, err)
	}
	return got, nil
}

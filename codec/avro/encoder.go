package avro

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
)

const (
	maxEncoders = 4096
	refusalTime = 10 * time.Second // how long a refusal is believed
)

// target is what values are encoded for. Either typ or text says with which schema.
type target struct {
	topic     string
	typ       reflect.Type
	namespace string
	text      string
	several   bool // typ is one of several on the topic
}

func targetFor(s codec.Subject) target {
	return target{topic: s.Topic, typ: pointed(s.Type), namespace: s.Namespace, several: s.Several}
}

// encoder writes values of one target.
type encoder struct {
	schema *schema
	frame  []byte // goes before the body
}

// refusal is an answer that will be the same for a while.
type refusal struct {
	err   error
	until time.Time
}

// encoderFor returns the encoder of t. In the steady state it asks nobody.
func (c *Codec) encoderFor(ctx context.Context, t target) (*encoder, error) {
	if e, ok := c.encoders.get(t); ok {
		return e, nil
	}
	if no, ok := c.refusals.get(t); ok && time.Now().Before(no.until) {
		return nil, no.err
	}
	s, err := c.schemaOfTarget(t)
	if err != nil {
		return nil, err
	}
	if c.registry == nil {
		return c.encoders.put(t, &encoder{schema: s, frame: singleFrame(s)}), nil
	}
	return c.encoding.do(ctx, t, func(ctx context.Context) (*encoder, error) { return c.newEncoder(ctx, t, s) })
}

func (c *Codec) schemaOfTarget(t target) (*schema, error) {
	if t.typ != nil {
		return c.types.of(t.typ, t.namespace)
	}
	return c.dynamic(t.text)
}

func (c *Codec) newEncoder(ctx context.Context, t target, s *schema) (*encoder, error) {
	if e, ok := c.encoders.get(t); ok {
		return e, nil
	}
	id, err := c.idOf(ctx, t, s)
	if err != nil {
		if !isUnavailable(err) {
			c.refusals.set(t, refusal{err, time.Now().Add(refusalTime)})
		}
		return nil, err
	}
	c.writers.loaded.put(schemaKey{id: uint32(id)}, &writer{schema: s}) //nolint:gosec // checked by askID
	return c.encoders.put(t, &encoder{schema: s, frame: confluentFrame(id)}), nil
}

// idOf registers the schema or looks it up, and returns the id under which the registry
// keeps exactly this schema.
func (c *Codec) idOf(ctx context.Context, t target, s *schema) (int, error) {
	subject := c.subjectName(t, s)
	if s.name == "" && c.cfg.SubjectBy != SubjectByTopic && t.typ != keyType {
		return 0, fmt.Errorf("topic %s: subjects by %s need a schema that is a record", t.topic, c.cfg.SubjectBy)
	}
	id, err := c.verifiedID(ctx, subject, s, sr.Normalize)
	if errors.Is(err, errOtherSchema) {
		id, err = c.verifiedID(ctx, subject, s)
	}
	if err == nil || isUnavailable(err) {
		return id, err
	}
	return 0, c.explain(ctx, subject, s, err)
}

// errOtherSchema is an id under which the registry keeps a schema that means something else.
var errOtherSchema = errors.New("the registry gave the id of another schema")

// verifiedID asks for the id and then for what the registry keeps under it: registries
// differ in what they take for the same schema.
func (c *Codec) verifiedID(ctx context.Context, subject string, s *schema, params ...sr.Param) (int, error) {
	id, err := c.askID(sr.WithParams(ctx, params...), subject, s)
	if err != nil {
		return 0, err
	}
	texts, err := c.writers.fetch(ctx, schemaKey{id: uint32(id)}) //nolint:gosec // checked by askID
	if isMissing(err) {
		return id, nil // a replica that lags behind
	}
	if err != nil {
		return 0, err
	}
	kept, err := compile(texts...)
	if err != nil || !s.means(kept) {
		return 0, fmt.Errorf("%w: id %d", errOtherSchema, id)
	}
	return id, nil
}

// means reports whether bytes of s can be read with other as if it were s.
func (s *schema) means(other *schema) bool {
	return string(s.public.Canonical()) == string(other.public.Canonical()) &&
		sameUnits(s.public, other.public, true) == nil
}

func (c *Codec) askID(ctx context.Context, subject string, s *schema) (id int, err error) {
	err = c.registry.ask(ctx, false, func(ctx context.Context, cl *sr.Client) error {
		if c.cfg.AutoRegister {
			id, err = cl.RegisterSchema(ctx, subject, sr.Schema{Schema: s.text}, -1, -1)
		} else {
			var found sr.SubjectSchema
			found, err = cl.LookupSchema(ctx, subject, sr.Schema{Schema: s.text})
			id = found.ID
		}
		if err == nil && (id <= 0 || id > math.MaxInt32) {
			return errMalformed
		}
		return err
	})
	return id, err
}

// explain says what to do about a schema that the registry does not take.
func (c *Codec) explain(ctx context.Context, subject string, s *schema, err error) error {
	var answer *sr.ResponseError
	switch {
	case errors.Is(err, errOtherSchema):
		return fmt.Errorf("schema of subject %s: %w", subject, err)
	case isMissing(err):
		return fmt.Errorf("schema of subject %s is not registered%s (register it with: leat schema register): %w", subject, c.against(ctx, subject, s), err)
	case errors.As(err, &answer) && answer.StatusCode == http.StatusConflict:
		return fmt.Errorf("schema of subject %s is incompatible with what is registered%s: %w", subject, c.against(ctx, subject, s), err)
	}
	return fmt.Errorf("schema of subject %s is refused: %w", subject, err)
}

// against is the difference to the latest version in brackets, "" when there is none.
func (c *Codec) against(ctx context.Context, subject string, s *schema) string {
	var latest sr.SubjectSchema
	err := c.registry.ask(ctx, false, func(ctx context.Context, cl *sr.Client) (err error) {
		latest, err = cl.SchemaByVersion(ctx, subject, -1)
		return err
	})
	if err != nil || latest.Schema.Schema == "" {
		return ""
	}
	return fmt.Sprintf(" [against version %d: %s]", latest.Version, difference(latest.Schema.Schema, s.text))
}

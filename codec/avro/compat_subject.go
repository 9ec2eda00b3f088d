package avro

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leat-go/leat/codec"
)

// ErrNoRegistry is returned by what asks a schema registry when the codec has none.
var ErrNoRegistry = errors.New("no schema registry is configured (set KAFKA_SCHEMA_REGISTRY_URL)")

// Schema returns the schema of a subject's type as JSON text, the same text in every run. The
// error names the field that has no counterpart in Avro. It asks no registry.
func (c *Codec) Schema(s codec.Subject) (string, error) {
	made, err := c.types.of(pointed(s.Type), s.Namespace)
	if err != nil {
		return "", fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	return made.text, nil
}

// SubjectName is the name under which the registry keeps the schema of s.
func (c *Codec) SubjectName(s codec.Subject) (string, error) {
	made, err := c.types.of(pointed(s.Type), s.Namespace)
	if err != nil {
		return "", fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	return c.subjectName(targetFor(s), made), nil
}

// Verdict is what a schema registry, and the rules of [Compare], say about a schema.
type Verdict struct {
	// Subject is the name under which the registry keeps the schema.
	Subject string
	// Version is the latest that is registered, 0 for none.
	Version int
	// Registered is the schema of that version.
	Registered string
	// Level is the compatibility that the registry asks for, such as BACKWARD.
	Level string
	// Difference from the latest version; without changes when it is that very schema, or
	// when there is no version.
	Difference *Difference
	// Refusals are the registry's own reasons, none when it takes the schema.
	Refusals []string
	// Compatible reports that the registry takes the schema and that the rules of Compare
	// allow what the level does.
	Compatible bool
}

// Judge asks the registry whether the schema of s may be registered. It registers nothing.
// An error wraps codec.ErrUnavailable when no registry answers.
func (c *Codec) Judge(ctx context.Context, s codec.Subject) (*Verdict, error) {
	if c.registry == nil {
		return nil, ErrNoRegistry
	}
	own, err := c.types.of(pointed(s.Type), s.Namespace)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	v := &Verdict{Subject: c.subjectName(targetFor(s), own), Difference: &Difference{}, Compatible: true}
	if err := c.judge(ctx, own, v); err != nil {
		return nil, fmt.Errorf("schema of subject %s: %w", v.Subject, err)
	}
	return v, nil
}

func (c *Codec) judge(ctx context.Context, own *schema, v *Verdict) error {
	var err error
	if v.Level, err = c.level(ctx, v.Subject); err != nil {
		return err
	}
	latest, texts, err := c.latest(ctx, v.Subject)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Version, v.Registered = latest.Version, latest.Schema.Schema
	if v.Difference, err = from(texts, own.text); err != nil {
		return fmt.Errorf("version %d: %w", v.Version, err)
	}
	if v.Refusals, err = c.refusalsOf(ctx, v.Subject, own); err != nil {
		return err
	}
	v.Compatible = len(v.Refusals) == 0 && v.Difference.Meets(v.Level)
	return nil
}

// Meets reports whether a registry's compatibility level allows the difference: BACKWARD,
// FORWARD, FULL, each also with _TRANSITIVE, or NONE.
func (d *Difference) Meets(level string) bool {
	switch strings.TrimSuffix(level, "_TRANSITIVE") {
	case "NONE":
		return true
	case "FORWARD":
		return d.Forward()
	case "FULL":
		return d.Backward() && d.Forward()
	}
	return d.Backward()
}

// from compares a registered schema, the last of texts, with ours.
func from(texts []string, ours string) (*Difference, error) {
	return safely(func() (*Difference, error) {
		older, err := newSide(texts...)
		if err != nil {
			return nil, err
		}
		newer, err := newSide(ours)
		if err != nil {
			return nil, err
		}
		return compare(older, newer), nil
	})
}

// latest returns the newest version of a subject, and its text after those it refers to.
func (c *Codec) latest(ctx context.Context, subject string) (got sr.SubjectSchema, texts []string, err error) {
	err = c.registry.ask(ctx, false, func(ctx context.Context, cl *sr.Client) (err error) {
		got, err = cl.SchemaByVersion(ctx, subject, -1)
		if err == nil && got.Schema.Schema == "" {
			return errMalformed
		}
		return err
	})
	if err != nil {
		return got, nil, err
	}
	if got.Type != sr.TypeAvro {
		return got, nil, fmt.Errorf("version %d is a %s schema, not an Avro one", got.Version, got.Type)
	}
	refs := closure{registry: c.registry, state: map[reference]bool{}}
	if err := refs.add(ctx, got.References, 1); err != nil {
		return got, nil, noLongerMissing(err)
	}
	return got, append(refs.texts, got.Schema.Schema), nil
}

// noLongerMissing keeps a lost reference from being taken for a subject without versions.
func noLongerMissing(err error) error {
	if isMissing(err) {
		return errors.New(err.Error())
	}
	return err
}

const defaultLevel = "BACKWARD"

// level is the compatibility of a subject: its own, else that of the registry.
func (c *Codec) level(ctx context.Context, subject string) (level string, err error) {
	err = c.registry.ask(ctx, false, func(ctx context.Context, cl *sr.Client) error {
		level, err = levelOf(ctx, cl, subject)
		return err
	})
	if isMissing(err) {
		return defaultLevel, nil
	}
	return level, err
}

// levelOf asks for the level in force: a registry may answer NONE for a subject that has no
// level of its own.
func levelOf(ctx context.Context, cl *sr.Client, subject string) (string, error) {
	ctx = sr.WithParams(ctx, sr.DefaultToGlobal)
	answer := cl.Compatibility(ctx, subject)[0]
	if judge(answer.Err) == missing {
		answer = cl.Compatibility(ctx, sr.GlobalSubject)[0]
	}
	if answer.Err != nil {
		return "", answer.Err
	}
	return answer.Level.String(), nil
}

// refusalsOf returns what the registry has against a schema.
func (c *Codec) refusalsOf(ctx context.Context, subject string, own *schema) ([]string, error) {
	var answer sr.CheckCompatibilityResult
	err := c.registry.ask(ctx, false, func(ctx context.Context, cl *sr.Client) (err error) {
		ctx = sr.WithParams(ctx, sr.Verbose)
		answer, err = cl.CheckCompatibility(ctx, subject, everyVersion, sr.Schema{Schema: own.text})
		return err
	})
	refusal, isRefusal := errors.AsType[*sr.ResponseError](err)
	switch {
	case isRefusal && (refusal.StatusCode == http.StatusConflict || refusal.StatusCode == http.StatusUnprocessableEntity):
		return []string{cut(reason(refusal), maxReason)}, nil
	case err != nil:
		return nil, err
	case answer.Is:
		return nil, nil
	case len(answer.Messages) == 0:
		return []string{"the registry says no and gives no reason"}, nil
	}
	return answer.Messages, nil
}

// everyVersion asks about all versions that the subject's level is about.
const everyVersion = -2

// Registered is a schema that a registry keeps.
type Registered struct {
	Subject string
	// ID of the schema, which messages carry.
	ID int
}

// Register registers the schema of s, whatever Config.AutoRegister says; one that is
// registered already stays as it is. It asks the registry alone: see [Codec.Judge]. An error
// wraps codec.ErrUnavailable when no registry answers.
func (c *Codec) Register(ctx context.Context, s codec.Subject) (Registered, error) {
	if c.registry == nil {
		return Registered{}, ErrNoRegistry
	}
	own, err := c.types.of(pointed(s.Type), s.Namespace)
	if err != nil {
		return Registered{}, fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	registering := &Codec{cfg: c.cfg, registry: c.registry, writers: c.writers}
	registering.cfg.AutoRegister = true
	id, err := registering.idOf(ctx, targetFor(s), own)
	return Registered{c.subjectName(targetFor(s), own), id}, err
}

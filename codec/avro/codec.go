package avro

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"

	"github.com/leat-go/leat/codec"
)

// DefaultNamespace holds the records of types for which nothing else says where they belong.
const DefaultNamespace = "com.core.events"

// Config says where schemas are kept and how records are called. The zero value has no
// registry and writes single objects.
type Config struct {
	// URLs of the schema registry, in order of preference. Empty: no registry.
	URLs []string
	// Username and Password are for basic authentication, Token is a bearer token and wins.
	// A user in a URL counts where Username is empty.
	Username, Password, Token string
	// CAFile, CertFile and KeyFile are PEM files for TLS, read by New, or the PEM text itself.
	CAFile, CertFile, KeyFile string
	// DefaultNamespace of records, default com.core.events.
	DefaultNamespace string
	// AutoRegister registers the schemas of what is published. False: they have to be
	// registered, and the error for one that is not names its subject and the difference.
	AutoRegister bool
	// SubjectBy names subjects, default SubjectByTopic. A topic with several types goes by
	// topic and record then, since its types are no versions of each other.
	SubjectBy SubjectBy
	// Schemas given for Go types as JSON text, such as embedded .avsc files, in place of the
	// derived ones. New reports what does not fit, by path. Tags still name the fields; names,
	// defaults and units are those of the text.
	Schemas map[reflect.Type]string
	// HTTPClient replaces the HTTP client, and with it the TLS files; for tests. The codec
	// bounds its answers and redirects all the same.
	HTTPClient *http.Client
	// Logger is told when a registry stops answering and when it answers again, default none.
	Logger *slog.Logger
}

// Codec encodes and decodes Avro. It is safe for concurrent use and needs no closing.
type Codec struct {
	cfg         Config
	registry    *registry // nil without one
	writers     *writers
	types       *types
	texts       *cache[string, *writer] // schemas given as text
	encoders    *cache[target, *encoder]
	refusals    *cache[target, refusal]
	encoding    flights[target, *encoder]
	resolutions *cache[resolutionKey, *resolution]
	senders     hot[sender]
	receivers   hot[receiver]
}

var (
	_ codec.Codec      = (*Codec)(nil)
	_ codec.KeyCodec   = (*Codec)(nil)
	_ codec.Checker    = (*Codec)(nil)
	_ codec.Namer      = (*Codec)(nil)
	_ codec.Identifier = (*Codec)(nil)
)

// New returns a codec. It reports every fault of cfg and connects to nothing.
func New(cfg Config) (*Codec, error) {
	cfg.DefaultNamespace = orElse(cfg.DefaultNamespace, DefaultNamespace)
	cfg.SubjectBy = SubjectBy(orElse(string(cfg.SubjectBy), string(SubjectByTopic)))
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r, err := cfg.connect()
	if err != nil {
		return nil, err
	}
	w := newWriters(r)
	return &Codec{
		cfg: cfg, registry: r, writers: w,
		types:       &types{namespace: cfg.DefaultNamespace, given: maps.Clone(cfg.Schemas), writers: w, single: r == nil},
		texts:       newCache[string, *writer](maxTexts),
		encoders:    newCache[target, *encoder](maxEncoders),
		refusals:    newCache[target, refusal](maxEncoders),
		resolutions: newCache[resolutionKey, *resolution](maxResolved),
	}, nil
}

// ContentType is application/vnd.confluent.avro with a registry, else application/avro.
func (c *Codec) ContentType() string {
	if c.registry == nil {
		return "application/avro"
	}
	return "application/vnd.confluent.avro"
}

// Check derives the schema of s.Type and lets single objects of it be read. The error names
// the field that has no counterpart in Avro. A map[string]any is fit for reading and for
// EncodeWith. Check asks no registry.
func (c *Codec) Check(s codec.Subject) error {
	t := pointed(s.Type)
	if t == nil || isGeneric(t) && t.Kind() == reflect.Map {
		return nil
	}
	if _, err := c.types.of(t, s.Namespace); err != nil {
		return fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	return nil
}

// Prepare registers or looks up the schema of s, so that the first message need not. It
// does nothing for a subject without a type of its own.
func (c *Codec) Prepare(ctx context.Context, s codec.Subject) error {
	t := pointed(s.Type)
	if t == nil || isGeneric(t) {
		return nil
	}
	if _, err := c.encoderFor(ctx, targetFor(s)); err != nil {
		return fmt.Errorf("topic %s: %w", s.Topic, err)
	}
	return nil
}

// Ping asks the registry for an answer. Nil without a registry.
func (c *Codec) Ping(ctx context.Context) error {
	if c.registry == nil {
		return nil
	}
	return c.registry.ping(ctx)
}

// connect makes the registry client, nil without URLs.
func (cfg Config) connect() (*registry, error) {
	err := cfg.SubjectBy.validate()
	if !avroNamespace.MatchString(cfg.DefaultNamespace) {
		err = errors.Join(err, fmt.Errorf("avro default namespace %q: want names joined by dots", cfg.DefaultNamespace))
	}
	err = errors.Join(err, errors.Join(validateGiven(cfg.Schemas)...))
	if len(cfg.URLs) == 0 {
		return nil, err
	}
	r, other := newRegistry(cfg)
	return r, errors.Join(err, other)
}

package avrocheck

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// candidate is a schema that somebody wants to register under a subject.
type candidate struct {
	behind
	subject string
	body    []byte
	schema  *avro.Schema
}

// known reports whether the subject has this very schema, which may always be registered again.
func (in *candidate) known() bool {
	status, _ := in.ask(http.MethodPost, "/subjects/"+url.PathEscape(in.subject), in.body)
	return status == http.StatusOK
}

// faults returns what makes the candidate incompatible with one version, or, without a version, with those
// that the level of the subject names.
func (in *candidate) faults(version string) []error {
	level := in.level(in.subject)
	if in.schema == nil || level == sr.CompatNone {
		return nil
	}
	var faults []error
	for _, v := range in.against(level, version) {
		if err := in.compare(level, v); err != nil {
			faults = append(faults, fmt.Errorf("version %s: %w", v, err))
		}
	}
	return faults
}

func (in *candidate) against(level sr.CompatibilityLevel, version string) []string {
	if version != "" {
		return []string{version}
	}
	all := in.versions(in.subject)
	if len(all) > 1 && !transitive(level) {
		all = all[len(all)-1:]
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = strconv.Itoa(v)
	}
	return names
}

func transitive(level sr.CompatibilityLevel) bool {
	return level == sr.CompatBackwardTransitive || level == sr.CompatForwardTransitive || level == sr.CompatFullTransitive
}

// compare says nothing about a version that does not exist or is no Avro.
func (in *candidate) compare(level sr.CompatibilityLevel, version string) error {
	text, ok := in.behind.schema(in.subject, version)
	if !ok || text.Type != sr.TypeAvro {
		return nil
	}
	old, err := in.parse(text)
	if err != nil {
		return err
	}
	return compatible(level, old, in.schema)
}

// maxReferences bounds how many schemas one schema may draw in.
const maxReferences = 32

// parse compiles a schema together with those that it refers to.
func (b behind) parse(s sr.Schema) (*avro.Schema, error) {
	var cache avro.SchemaCache
	left := maxReferences
	if err := b.parseReferences(&cache, s, &left); err != nil {
		return nil, err
	}
	return parseOne(&cache, s)
}

func (b behind) parseReferences(cache *avro.SchemaCache, s sr.Schema, left *int) error {
	for _, r := range s.References {
		if *left--; *left < 0 {
			return fmt.Errorf("invalid schema: more than %d references", maxReferences)
		}
		target, ok := b.reference(r)
		if !ok {
			return fmt.Errorf("invalid schema: no version %d of subject %q, referenced as %s", r.Version, r.Subject, r.Name)
		}
		if err := b.parseReferences(cache, target, left); err != nil {
			return err
		}
		if _, err := parseOne(cache, target); err != nil {
			return err
		}
	}
	return nil
}

func parseOne(cache *avro.SchemaCache, s sr.Schema) (*avro.Schema, error) {
	parsed, err := cache.Parse(s.Schema)
	if err != nil {
		return nil, fmt.Errorf("invalid schema: %w", err)
	}
	return parsed, nil
}

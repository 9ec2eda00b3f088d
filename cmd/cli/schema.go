package cli

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/topics"
)

func newSchema(s *session) *cobra.Command {
	c := &cobra.Command{
		Use:   "schema",
		Short: "Show, check and register the Avro schemas of declared topics",
		Example: `  leat schema show orders
  leat schema check --golden schemas
  leat schema register --dry-run`,
	}
	c.AddCommand(newSchemaShow(s), newSchemaCheck(s), newSchemaDiff(s), newSchemaRegister(s))
	return c
}

// schemas are those of declared topics, derived from their types.
type schemas struct {
	codec    *avro.Codec
	registry bool // settings name one
	topics   []topics.Spec
}

// schemas returns those of the named topics, of all Avro topics without a name. It connects
// to nothing.
func (s *session) schemas(names []string) (*schemas, error) {
	a := s.service()
	l, err := s.load()
	if err != nil {
		return nil, err
	}
	declared, err := a.Topics()
	if err != nil {
		return nil, faulty(err)
	}
	chosen, err := choose(declared, names)
	if err != nil {
		return nil, err
	}
	written, err := a.Writes()
	if err != nil {
		return nil, faulty(err)
	}
	c, err := a.Avro()
	if err != nil {
		return nil, faulty(err)
	}
	if len(chosen) == 0 {
		s.say("no topic with Avro schemas is declared: give a topic Format: topics.Avro, or set MESSAGING_FORMAT=avro")
	}
	return &schemas{codec: c, registry: len(l.Settings.Kafka.SchemaRegistryURL) > 0, topics: eachType(chosen, append(written, names...))}, nil
}

// choose picks topics by name, without names those that have a schema.
func choose(declared []topics.Spec, names []string) (chosen []topics.Spec, err error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(declared), func(t topics.Spec) bool { return schemaless(t) != "" }), nil
	}
	for _, name := range names {
		i := slices.IndexFunc(declared, func(t topics.Spec) bool { return t.Name == name })
		if i < 0 {
			return nil, unknown("topic", name, topicNames(declared))
		}
		if why := schemaless(declared[i]); why != "" {
			return nil, usagef("topic %s has no schema: %s", name, why)
		}
		chosen = append(chosen, declared[i])
	}
	return chosen, nil
}

// eachType is a topic for each type of its values, and one for its keys where they are Avro and
// ours: the keys of a topic that is only read may be of a schema that others register.
func eachType(ts []topics.Spec, keyed []string) (each []topics.Spec) {
	for _, t := range ts {
		if valueless(t) == "" {
			each = append(each, t.Each()...)
		}
		if t.KeyFormat == topics.Avro && slices.Contains(keyed, t.Name) {
			t.Type, t.Cases = keyType, nil
			each = append(each, t)
		}
	}
	return each
}

var keyType = reflect.TypeFor[codec.Key]()

func topicNames(specs []topics.Spec) []string {
	names := make([]string, len(specs))
	for i, t := range specs {
		names[i] = t.Name
	}
	return names
}

// schemaless says why a topic has no schema of its own, "" when it has one.
func schemaless(t topics.Spec) string {
	if t.KeyFormat == topics.Avro {
		return ""
	}
	return valueless(t)
}

// valueless says why the values of a topic have no schema, "" when they have one.
func valueless(t topics.Spec) string {
	switch {
	case t.Format != topics.Avro:
		return fmt.Sprintf("its format is %s (set Format: topics.Avro, or topics.%s.format=avro)", t.Format, t.Name)
	case t.Type == nil || t.Type.Kind() == reflect.Map:
		return "its values have no type of their own"
	}
	return ""
}

// needRegistry reports settings that name no registry.
func (c *schemas) needRegistry() error {
	if c.registry {
		return nil
	}
	return faulty(avro.ErrNoRegistry)
}

func subjectOf(t topics.Spec) codec.Subject {
	return codec.Subject{Topic: t.Name, Type: t.Type, Namespace: t.Namespace, Several: len(t.Cases) > 0}
}

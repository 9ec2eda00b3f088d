package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
)

func newSchemaRegister(s *session) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "register [TOPIC...]",
		Short: "Register the derived schemas with the registry",
		Long: `Register the schemas derived from the types of declared topics, also where avro.auto_register is off.
All are checked first as by ` + "`schema check`" + `: when one is incompatible none is registered and
the command exits 5. A schema that is registered already keeps its id. Avro keys are registered where the
service writes the topic or it is named.`,
		Example: `  leat schema register --dry-run
  leat schema register orders receipts --profile production`,
		ValidArgsFunction: s.completeTopics,
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			return registerSchemas(ctx, s, args, dry)
		}),
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be registered, and register nothing")
	return c
}

func registerSchemas(ctx context.Context, s *session, names []string, dry bool) error {
	c, err := s.schemas(names)
	if err == nil {
		err = c.needRegistry()
	}
	if err != nil {
		return err
	}
	rows, err := c.judged(ctx)
	if err != nil {
		return err
	}
	refused := slices.ContainsFunc(rows, func(r verdictRow) bool { return !r.Compatible })
	if dry || refused {
		s.say("nothing was registered")
		return s.conclude(rows)
	}
	for i := range rows {
		if err := c.register(ctx, i, &rows[i]); err != nil {
			return err
		}
	}
	return s.conclude(rows)
}

func (c *schemas) register(ctx context.Context, i int, r *verdictRow) error {
	kept, err := c.codec.Register(ctx, subjectOf(c.topics[i]))
	if err != nil {
		return err
	}
	r.ID = kept.ID
	if r.Status != schemaSame {
		r.Status = schemaRegistered
	}
	return nil
}

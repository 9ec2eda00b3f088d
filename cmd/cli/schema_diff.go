package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newSchemaDiff(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "diff TOPIC",
		Short: "Show how the derived schema differs from the latest of the registry",
		Long: `Show field by field how the schema derived from the topic's type differs from the latest version of
the registry, whether new readers read old data (backward), and old readers new data (forward). A
difference is no error: see ` + "`schema check`" + `.`,
		Example: `  leat schema diff orders
  leat schema diff orders -o json | jq '.changes[] | select(.backward | not)'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeTopics,
		RunE:              s.command(diffSchema),
	}
}

func diffSchema(ctx context.Context, s *session, names []string) error {
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
	r := rows[0]
	switch r.Status {
	case schemaNew:
		s.say("subject %s has no version: register one with `%s schema register %s`", r.Subject, s.name, r.Topic)
	case schemaSame:
		s.say("the derived schema is %s", r.Against)
	default:
		s.tell(r)
	}
	return s.print(r, r.changes())
}

func (r *verdictRow) changes() table {
	t := table{header: []string{"field", "change", "backward", "forward"}}
	for _, c := range r.Changes {
		t.rows = append(t.rows, []string{c.Path, c.Change, yesNo(c.Backward), yesNo(c.Forward)})
	}
	return t
}

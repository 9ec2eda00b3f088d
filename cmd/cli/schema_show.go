package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func newSchemaShow(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "show [TOPIC...]",
		Short: "Show the schemas derived from the types of declared topics",
		Long: `Show the Avro schemas derived from the types of declared topics, and the subjects under which a
registry keeps them, that of Avro keys too. With one topic of one type the schema of its values is
printed, as a golden file holds it.
Nothing is connected to.`,
		Example: `  leat schema show
  leat schema show orders > schemas/orders.avsc
  leat schema show -o json | jq '.[].schema.fields'`,
		ValidArgsFunction: s.completeTopics,
		RunE:              s.command(func(_ context.Context, s *session, args []string) error { return showSchemas(s, args) }),
	}
}

// schemaRow is a schema as `schema show` shows it.
type schemaRow struct {
	Topic   string          `json:"topic"`
	Subject string          `json:"subject"`
	Schema  json.RawMessage `json:"schema"`
}

func showSchemas(s *session, names []string) error {
	c, err := s.schemas(names)
	if err != nil {
		return err
	}
	rows := make([]schemaRow, len(c.topics))
	t := table{header: []string{"topic", "subject", "schema"}}
	for i := range c.topics {
		if rows[i], err = c.row(i); err != nil {
			return faulty(err)
		}
		t.rows = append(t.rows, []string{rows[i].Topic, rows[i].Subject, string(rows[i].Schema)})
	}
	if len(names) == 1 && s.flags.output == asTable && c.single() {
		return printSchema(s, rows[0].Schema)
	}
	return s.print(rows, t)
}

// single tells whether there is one schema, that of keys beside it left aside.
func (c *schemas) single() bool {
	return len(c.topics) == 1 || len(c.topics) == 2 && c.topics[1].Type == keyType
}

func (c *schemas) row(i int) (schemaRow, error) {
	subject := subjectOf(c.topics[i])
	text, err := c.codec.Schema(subject)
	if err != nil {
		return schemaRow{}, err
	}
	name, err := c.codec.SubjectName(subject)
	return schemaRow{subject.Topic, name, json.RawMessage(text)}, err
}

func printSchema(s *session, text json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, b.String())
	return err
}

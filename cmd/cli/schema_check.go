package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/codec/avro"
)

type checkOptions struct {
	golden, level string
}

func newSchemaCheck(s *session) *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use:   "check [TOPIC...]",
		Short: "Check the derived schemas against the registry or golden files",
		Long: `Check whether the schemas derived from the types of declared topics may follow those that the
registry has, by its own verdict and by the rules of leat, which take a changed unit for a break. With
--golden they are also checked against the files DIR/TOPIC.avsc, or DIR/TOPIC-TYPE.avsc where a topic carries
several types; without a registry against these alone.
Avro keys are checked as the strings that leat writes, where the service writes the topic or it is named:
keys that are only read may have any schema.
For every field that changed it is said who can no longer read whose data, and in which order the
change can be rolled out. The command exits 5 when a schema is incompatible or its file is missing,
and 4 when the registry cannot be reached.`,
		Example: `  leat schema check
  leat schema check orders --golden schemas
  leat schema check --golden schemas --level full -o json`,
		ValidArgsFunction: s.completeTopics,
		RunE:              s.command(func(ctx context.Context, s *session, args []string) error { return checkSchemas(ctx, s, args, o) }),
	}
	c.Flags().StringVar(&o.golden, "golden", "", "`dir` with a file TOPIC.avsc for every topic")
	c.Flags().StringVar(&o.level, "level", "backward", "compatibility with golden files: "+strings.Join(goldenLevels, ", "))
	return c
}

var goldenLevels = []string{"backward", "forward", "full", "none"}

func checkSchemas(ctx context.Context, s *session, names []string, o checkOptions) error {
	if !slices.Contains(goldenLevels, strings.ToLower(o.level)) {
		return usagef("--level %s: want one of %s", o.level, strings.Join(goldenLevels, ", "))
	}
	c, err := s.schemas(names)
	if err != nil {
		return err
	}
	var rows []verdictRow
	switch {
	case c.registry:
		rows, err = c.judged(ctx)
	case o.golden == "":
		err = faulty(errors.New("nothing to check against: set KAFKA_SCHEMA_REGISTRY_URL, or pass --golden DIR"))
	}
	if err == nil && o.golden != "" {
		rows, err = c.golden(rows, o)
	}
	if err != nil {
		return err
	}
	return s.conclude(rows)
}

// golden adds what the files say.
func (c *schemas) golden(rows []verdictRow, o checkOptions) ([]verdictRow, error) {
	for i := range c.topics {
		if c.topics[i].Type == keyType { // is the same for ever
			continue
		}
		own, err := c.row(i)
		if err != nil {
			return nil, faulty(err)
		}
		r, err := goldenRow(own, filepath.Join(o.golden, c.topics[i].SchemaFile()), o)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func goldenRow(own schemaRow, file string, o checkOptions) (verdictRow, error) {
	r := verdictRow{
		Topic: own.Topic, Subject: own.Subject, Against: file, Level: strings.ToUpper(o.level), Changes: []changeRow{}, Refusals: []string{},
	}
	was, err := os.ReadFile(file) //nolint:gosec // named on the command line
	if errors.Is(err, fs.ErrNotExist) {
		r.Status, r.story = schemaMissing, "there is no "+file
		return r, nil
	}
	if err != nil {
		return r, err
	}
	d, err := avro.Compare(string(was), string(own.Schema))
	if err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	r.Compatible = d.Meets(r.Level)
	r.compare(d)
	return r, nil
}

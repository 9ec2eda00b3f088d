package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newReference prints a page about all commands of the program, its own ones too.
func newReference(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "reference",
		Short:   "Print a page about all commands, in Markdown",
		Example: "  leat reference > docs/reference/cli.md",
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error {
			page := &session{app: s.app, name: s.name, own: s.own}
			_, err := io.WriteString(s.out, reference(newRoot(page))) //nolint:contextcheck // nothing of the tree runs
			return err
		}),
	}
}

const referenceHead = `# Commands

<!-- Generated: go generate ./cmd/leat -->

The program ` + "`leat`" + ` and every service whose ` + "`main`" + ` calls ` + "`cli.Main`" + ` have the same commands, but for ` + "`bench`" + `, which ` + "`leat`" + ` alone
has. A service knows its own handlers, topics and settings, and runs when it is called without arguments. Inside the module of a
service ` + "`leat`" + ` builds that service and hands the command over, as ` + "`go run`" + ` would.

Data goes to stdout, everything else to stderr. A table is for terminals; in a pipe the same rows
are lines of cells between tabs, without a head. ` + "`-o json`, `-o jsonl` and `-o yaml`" + ` are for programs.

| exit code | meaning |
|---|---|
| 0 | done; also a service or a tail that was interrupted once and stopped in order |
| 1 | failed |
| 2 | wrong usage |
| 3 | faults of settings or wiring, all of them listed |
| 4 | broker or schema registry unreachable |
| 5 | a topic differs from what was asked for, or a schema is incompatible |
| 130 | interrupted twice |

## Flags of every command

`

// reference is the page about all commands.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	flagTable(&b, root.PersistentFlags())
	for _, c := range all(root) {
		if c != root && c.Name() != "help" && !c.Hidden {
			section(&b, c)
		}
	}
	return b.String()
}

func section(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```sh\n%s\n```\n", strings.TrimSuffix(c.UseLine(), " [flags]"), about(c), unindented(c.Example))
	if c.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteString("\n")
		flagTable(b, c.LocalNonPersistentFlags())
	}
}

func about(c *cobra.Command) string {
	if c.Long == "" || c.Parent() != nil && c.Parent().Name() == "completion" {
		return c.Short + "."
	}
	return strings.TrimSpace(c.Long)
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}

func flagTable(b *strings.Builder, fs *pflag.FlagSet) {
	b.WriteString("| flag | |\n|---|---|\n")
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		spelled := "--" + f.Name
		if f.Shorthand != "" {
			spelled = "-" + f.Shorthand + ", " + spelled
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.TrimSpace(spelled+" "+strings.ToUpper(name)), strings.ReplaceAll(usage+preset(f), "|", `\|`))
	})
}

// preset is the default of a flag whose usage does not tell it.
func preset(f *pflag.Flag) string {
	if slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
		return ""
	}
	return " (default " + f.DefValue + ")"
}

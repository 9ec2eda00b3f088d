package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// global are the flags of every command.
type global struct {
	config, profile string
	set             []string
	output          string
}

// newRoot is the tree of commands.
func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   s.name,
		Short: "Run a service and work with its topics",
		Long: `Run a service and work with its topics.

Without a command the whole service runs. Settings come from config.yaml, .env, the
environment and --set; without an enabled broker everything runs in memory.`,
		Example: `  leat run
  leat worker Mailer.Welcome
  leat topics list -o json
  leat config show --profile production`,
		Args:          cobra.ArbitraryArgs,
		RunE:          s.command(runDefault),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	s.globalFlags(root)
	root.AddCommand(
		newRun(s), newWorker(s), newConsume(s), newDescribe(s), newTopics(s), newProduce(s),
		newTail(s), newSchema(s), newConfig(s), newVersion(s), newKafka(s), newReference(s),
	)
	for _, c := range s.own {
		root.AddCommand(c.cobra(s))
	}
	s.finish(root)
	return root
}

// runDefault is the whole service, or the complaint about a command that there is not.
func runDefault(ctx context.Context, s *session, args []string) error {
	if len(args) == 0 {
		return runService(ctx, s)
	}
	var names []string
	for _, c := range newRoot(s).Commands() { //nolint:contextcheck // nothing of the tree runs
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return unknown("command", args[0], names)
}

func (s *session) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&s.flags.config, "config", "", "settings `file`, read instead of config.yaml")
	f.StringVar(&s.flags.profile, "profile", "", "settings profile, such as dev or production (default APP_ENV, else dev)")
	f.StringArrayVar(&s.flags.set, "set", nil, "set one `key=value`, above all other sources; may be repeated")
	f.StringVarP(&s.flags.output, "output", "o", asTable, "`format` of data: "+strings.Join(formats, ", "))
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// finish wires what cobra adds by itself and names the program in the examples.
func (s *session) finish(root *cobra.Command) {
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	for _, c := range all(root) {
		if c.Example == "" {
			c.Example = exampleOf(c)
		}
		c.Example = strings.ReplaceAll(c.Example, "leat ", s.name+" ")
		if c.RunE == nil && c.Run == nil {
			c.RunE, c.Args = s.groupOf(c), cobra.ArbitraryArgs
		}
	}
}

// all is the command and everything below it.
func all(c *cobra.Command) []*cobra.Command {
	cs := []*cobra.Command{c}
	for _, child := range c.Commands() {
		cs = append(cs, all(child)...)
	}
	return cs
}

// exampleOf serves the commands that cobra brings along.
func exampleOf(c *cobra.Command) string {
	path := c.CommandPath()
	if _, rest, ok := strings.Cut(path, " "); ok {
		path = "leat " + rest
	}
	if c.Name() == "help" {
		path += " topics create"
	}
	return "  " + path
}

// groupOf answers a group of commands that was called without one of them.
func (s *session) groupOf(c *cobra.Command) func(*cobra.Command, []string) error {
	return s.command(func(_ context.Context, _ *session, args []string) error {
		var names []string
		for _, child := range c.Commands() {
			names = append(names, child.Name())
		}
		if len(args) > 0 {
			return unknown("command "+c.Name(), args[0], names)
		}
		return usagef("%s needs a command: %s", c.CommandPath(), list(names))
	})
}

// command makes a cobra function of f. What cobra returns before f runs is wrong usage.
func (s *session) command(f func(context.Context, *session, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(formats, s.flags.output) {
			return fmt.Errorf("--output %s: want one of %s", s.flags.output, strings.Join(formats, ", "))
		}
		s.works = true
		return f(cmd.Context(), s, args)
	}
}

// CommandPath is the command that args name, such as "topics list"; "" when they name none.
// It runs nothing.
func CommandPath(args []string) string {
	s := &session{name: "leat"}
	root := newRoot(s)
	c, _, err := root.Find(args)
	if err != nil || c == root {
		return ""
	}
	return strings.TrimPrefix(c.CommandPath(), "leat ")
}

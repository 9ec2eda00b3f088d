package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leat-go/leat/app"
)

// Command is a command that a program has beside those of every service.
type Command struct {
	Name, Short, Long, Example string
	// Flags, when set, declares flags.
	Flags func(*pflag.FlagSet)
	// Run works; the command has no arguments. Its error ends the program like that of any
	// other command.
	Run func(context.Context, Call) error
}

// Call is one call of a [Command].
type Call struct{ s *session }

func (c Command) cobra(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use: c.Name, Short: c.Short, Long: c.Long, Example: c.Example, Args: cobra.NoArgs,
		RunE: s.command(func(ctx context.Context, s *session, _ []string) error { return c.Run(ctx, Call{s}) }),
	}
	if c.Flags != nil {
		c.Flags(cmd.Flags())
	}
	return cmd
}

// App is the service with the settings that the flags of every command name, and with the
// given key=value above them.
func (c Call) App(set ...string) *app.App {
	a := c.s.service()
	e := a.Environment()
	e.Settings.Set = append(e.Settings.Set, set...)
	return a.In(e)
}

// Print writes data to stdout in the format that was asked for: as itself with its JSON
// names, or as a table.
func (c Call) Print(data any, header []string, rows [][]string) error {
	return c.s.print(data, table{header, rows})
}

// Say writes a line to stderr.
func (c Call) Say(format string, args ...any) { c.s.say(format, args...) }

// Usagef is the error of a call that makes no sense.
func Usagef(format string, args ...any) error { return usagef(format, args...) }

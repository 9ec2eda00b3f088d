package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/settings"
)

func newConfig(s *session) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show, check and explain the settings",
		Example: `  leat config show --changed
  leat config check --profile production
  leat config explain kafka.bootstrap_servers`,
	}
	c.AddCommand(newConfigShow(s), newConfigCheck(s), newConfigExplain(s), newConfigSchema(s), newConfigEnv(s))
	return c
}

func newConfigShow(s *session) *cobra.Command {
	var changed bool
	c := &cobra.Command{
		Use:   "show",
		Short: "Show every setting, its value and where the value comes from",
		Long:  `Show every setting, its value and where the value comes from. Secrets that are set show as ******.`,
		Example: `  leat config show
  leat config show --changed --profile production
  leat config show -o json`,
		Args: cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error { return showConfig(s, changed) }),
	}
	c.Flags().BoolVar(&changed, "changed", false, "leave out what has its default")
	return c
}

// settingRow is a setting as `config show` shows it.
type settingRow struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
	Env     string `json:"env"`
	Default string `json:"default"`
	Secret  bool   `json:"secret"`
}

func showConfig(s *session, changed bool) error {
	l, err := s.load()
	if err != nil {
		return err
	}
	rows, t := []settingRow{}, table{header: []string{"key", "value", "origin"}}
	for _, v := range l.Values() {
		if changed && v.Origin == "default" {
			continue
		}
		rows = append(rows, settingRow{v.Key, v.Value, v.Origin, v.Env, v.Default, v.Secret})
		t.rows = append(t.rows, []string{v.Key, v.Value, v.Origin})
	}
	s.warn(l)
	return s.print(rows, t)
}

func (s *session) warn(l *settings.Loaded) {
	for _, w := range l.Warnings {
		s.say("warning: %s", w)
	}
}

func newConfigCheck(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the settings and the wiring of the service",
		Long: `Check the settings and the wiring of the service without connecting to anything. All faults
are listed, each with its origin and what cures it; the command then exits 3.`,
		Example: `  leat config check
  leat config check --profile production -o json`,
		Args: cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error { return checkConfig(s) }),
	}
}

// faultRow is a fault as `config check` shows it.
type faultRow struct {
	Key     string `json:"key"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
	Origin  string `json:"origin"`
}

func checkConfig(s *session) error {
	l, err := s.load()
	if err == nil {
		s.warn(l)
		err = s.service().Validate()
	}
	if err == nil {
		s.say("settings and wiring are in order (profile %s)", l.Profile)
		return s.printFaults(nil)
	}
	rows := faultRows(err)
	if perr := s.printFaults(rows); perr != nil {
		return perr
	}
	if s.flags.output == asTable {
		return faulty(err)
	}
	return &exitError{exitFaulty, errors.New(count(len(rows), "fault"))}
}

// printFaults is for programs; people read them as the error.
func (s *session) printFaults(rows []faultRow) error {
	if s.flags.output == asTable {
		return nil
	}
	return s.print(append([]faultRow{}, rows...), table{})
}

func faultRows(err error) []faultRow {
	if fs, ok := errors.AsType[*settings.Faults](err); ok {
		rows := make([]faultRow, len(fs.Faults))
		for i, f := range fs.Faults {
			rows[i] = faultRow{f.Key, f.Problem, f.Remedy, f.Origin}
		}
		return rows
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var rows []faultRow
		for _, e := range many.Unwrap() {
			rows = append(rows, faultRows(e)...)
		}
		return rows
	}
	return []faultRow{{Problem: err.Error(), Origin: "code"}}
}

func newConfigExplain(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "explain KEY",
		Short: "Show every source that has a setting, the one that is used last",
		Example: `  leat config explain kafka.bootstrap_servers
  leat config explain KAFKA_LINGER_MS`,
		Args: cobra.ExactArgs(1),
		RunE: s.command(func(_ context.Context, s *session, args []string) error { return explainConfig(s, args[0]) }),
	}
}

// explained is what `config explain` shows.
type explained struct {
	settingRow

	Doc   string `json:"doc"`
	Chain []step `json:"chain"`
}

type step struct {
	Origin string `json:"origin"`
	Value  string `json:"value"`
}

func explainConfig(s *session, key string) error {
	l, err := s.load()
	if err != nil {
		return err
	}
	vs := l.Values()
	i := slices.IndexFunc(vs, func(v settings.Value) bool { return spells(key, v) })
	if i < 0 {
		keys := make([]string, len(vs))
		for i, v := range vs {
			keys[i] = v.Key
		}
		return unknownSetting(key, keys, s.name)
	}
	v := vs[i]
	e := explained{settingRow: settingRow{v.Key, v.Value, v.Origin, v.Env, v.Default, v.Secret}, Doc: v.Doc, Chain: []step{}}
	t := table{header: []string{"origin", "value"}}
	for _, c := range v.Chain {
		e.Chain = append(e.Chain, step(c))
		t.rows = append(t.rows, []string{c.Origin, c.Value})
	}
	s.say("%s = %s (%s)\n%s", v.Key, v.Value, v.Origin, v.Doc)
	return s.print(e, t)
}

// spells tells whether key is one of the names that sources may give a setting.
func spells(key string, v settings.Value) bool {
	return slices.ContainsFunc([]string{v.Key, v.Env, v.Env + "_MS", v.Env + "_FILE"}, func(n string) bool { return same(n, key) })
}

func unknownSetting(key string, keys []string, program string) error {
	if near := nearest(key, keys); near != "" {
		return usagef("no setting %q: did you mean %s?", key, near)
	}
	return usagef("no setting %q: `%s config show` lists them", key, program)
}

func newConfigSchema(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print a JSON Schema of settings files, for editors",
		Example: `  leat config schema > config.schema.json`,
		Args:    cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error {
			all, err := s.registry()
			if err != nil {
				return err
			}
			b, err := json.MarshalIndent(settings.Schema(all), "", "  ")
			if err != nil {
				return fmt.Errorf("encode the schema: %w", err)
			}
			_, err = fmt.Fprintln(s.out, string(b))
			return err
		}),
	}
}

func newConfigEnv(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "env",
		Short:   "Print a .env file that holds every setting as a comment",
		Example: `  leat config env > .env.example`,
		Args:    cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error {
			all, err := s.registry()
			if err != nil {
				return err
			}
			_, err = io.WriteString(s.out, settings.EnvExample(all))
			return err
		}),
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router/broker"
)

type tailOptions struct {
	topics   []string
	from, to string
	n        int
	atEnd    bool
}

func newTail(s *session) *cobra.Command {
	var o tailOptions
	c := &cobra.Command{
		Use:   "tail TOPIC…",
		Short: "Print the messages of topics as they come",
		Long: `Print the messages of topics as they come, decoded: those of declared topics by their format,
others as JSON if they are, by the schema registry when they name a schema and a registry is
set, else as text or base64. Keys alike. No consumer group is joined and nothing is committed.`,
		Example: `  leat tail orders
  leat tail orders payments --from 1h -o json
  leat tail orders --from earliest --exit-at-end -o json | jq .value
  leat tail orders --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: s.completeTopics,
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			o.topics = args
			return tail(ctx, s, o)
		}),
	}
	o.flags(c)
	return c
}

func (o *tailOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "begin at earliest, latest, a `time` (RFC 3339) or so long ago (10m) (default: latest; earliest with --to or --exit-at-end)")
	f.StringVar(&o.to, "to", "", "end at a `time` (RFC 3339) or at what was so long ago")
	f.IntVarP(&o.n, "number", "n", 0, "end after so `many` messages (default: no limit)")
	f.BoolVar(&o.atEnd, "exit-at-end", false, "end at what is the end of the topics now")
}

func tail(ctx context.Context, s *session, o tailOptions) error {
	sp, err := spanOf(o.from, o.to, o.atEnd, time.Now())
	if err != nil {
		return err
	}
	if o.n < 0 {
		return usagef("--number %d: want a positive number", o.n)
	}
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer c.close(ctx)
	if err := c.mustExist(ctx, s, o.topics); err != nil {
		return err
	}
	ctx, cancel := sp.bound(ctx)
	defer cancel()
	return show(ctx, s, c, c.broker.Read(ctx, sp.read(o)), o.n)
}

// bound ends reading when the time to read until has come.
func (sp span) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if sp.till.After(time.Now()) {
		return context.WithDeadline(ctx, sp.till)
	}
	return context.WithCancel(ctx)
}

func (sp span) read(o tailOptions) broker.ReadOptions {
	past := !sp.till.IsZero() && !sp.till.After(time.Now())
	return broker.ReadOptions{
		Topics: o.topics, Start: sp.start, Since: sp.since, Until: sp.till, UntilEnd: o.atEnd || past,
	}
}

// show prints what is read until ctx ends or n messages were printed.
func show(ctx context.Context, s *session, c *client, records iter.Seq2[*broker.Record, error], n int) error {
	d := newDecoder(c)
	printed := 0
	for r, err := range records {
		if err != nil {
			return unlessStopped(ctx, err)
		}
		if err := s.printMessage(d.message(ctx, r)); err != nil {
			return err
		}
		if printed++; printed == n {
			return nil
		}
	}
	return nil
}

// unlessStopped turns the end that was asked for into none.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil //nolint:nilerr // it was asked to stop
	}
	return fmt.Errorf("read: %w", err)
}

func (s *session) printMessage(m message) error {
	switch s.flags.output {
	case asJSON, asLines:
		return printJSON(s.out, m, "")
	case asYAML:
		if _, err := io.WriteString(s.out, "---\n"); err != nil {
			return err
		}
		return printYAML(s.out, m)
	}
	key := ""
	if m.Key != nil {
		key = *m.Key
	}
	place := m.Topic + "/" + strconv.Itoa(int(m.Partition)) + "@" + m.Offset
	return printTabs(s.out, [][]string{{m.Time.Format(time.RFC3339Nano), place, key, string(m.Value)}})
}

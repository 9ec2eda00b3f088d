package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

type createOptions struct {
	name                    string
	partitions, replication int
	retention               time.Duration
	compact                 bool
}

func newTopicsCreate(s *session) *cobra.Command {
	var o createOptions
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a topic",
		Long: `Create a topic. What no flag says is as the service declares it, else the broker's default.
A topic that exists is left as it is: the command is done when it has the partitions that were
asked for and exits 5 when it has not.`,
		Example: `  leat topics create orders --partitions 3
  leat topics create accounts --partitions 6 --replication 3 --compact
  leat topics create clicks --partitions 12 --retention 24h`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeTopics,
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			o.name = args[0]
			return createTopic(ctx, s, o)
		}),
	}
	o.flags(c)
	return c
}

func (o *createOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVarP(&o.partitions, "partitions", "p", 0, "`number` of partitions (default: as declared, else the broker's)")
	f.IntVar(&o.replication, "replication", 0, "replication `factor` (default: as declared, else the broker's)")
	f.DurationVar(&o.retention, "retention", 0, "how long messages are kept, such as 24h; negative: for ever (default: as declared, else 168h)")
	f.BoolVar(&o.compact, "compact", false, "keep the newest message of every key for ever")
}

func createTopic(ctx context.Context, s *session, o createOptions) error {
	if o.partitions < 0 || o.replication < 0 {
		return usagef("create topic %s: --partitions and --replication must not be negative", o.name)
	}
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer c.close(ctx)
	want := o.config(c.router.Plan())
	if have, ok, err := c.topic(ctx, o.name); err != nil || ok {
		return existing(s, have, want, err)
	}
	if err := c.broker.CreateTopics(ctx, want); err != nil {
		return fmt.Errorf("create topic %s: %w", o.name, err)
	}
	have, ok, err := c.topic(ctx, o.name)
	if err != nil || !ok {
		s.say("created topic %s", o.name)
		return err
	}
	s.say("created topic %s with %s", o.name, count(have.Partitions, "partition"))
	return nil
}

// config is the topic as the service declares it, with what the flags say above that.
func (o *createOptions) config(plan []broker.TopicConfig) broker.TopicConfig {
	t := broker.TopicConfig{Name: o.name, Kind: topics.KindEvent}
	if i := slices.IndexFunc(plan, func(p broker.TopicConfig) bool { return p.Name == o.name }); i >= 0 {
		t = plan[i]
	}
	if o.partitions > 0 {
		t.Partitions = o.partitions
	}
	if o.replication > 0 {
		t.Replication = o.replication
	}
	if o.retention != 0 {
		t.Retention = o.retention
	}
	if o.compact {
		t.Kind = topics.KindState
	}
	return t
}

// existing says whether a topic that is there is the one that was asked for.
func existing(s *session, have broker.TopicInfo, want broker.TopicConfig, err error) error {
	if err != nil {
		return err
	}
	d := drift(have, want)
	if d == "" {
		s.say("topic %s exists with %s", have.Name, count(have.Partitions, "partition"))
		return nil
	}
	return &exitError{exitDrift, fmt.Errorf(
		"topic %s exists and differs: it has %s where %s was asked for; leat changes no topic that exists", have.Name, was(have), asked(want))}
}

func was(t broker.TopicInfo) string {
	return count(t.Partitions, "partition") + kindNote(t.Kind)
}

func asked(t broker.TopicConfig) string {
	if t.Partitions == 0 {
		return cleanup(t.Kind)
	}
	return count(t.Partitions, "partition") + kindNote(t.Kind)
}

func kindNote(k topics.Kind) string {
	if k == topics.KindState {
		return " (compacted)"
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

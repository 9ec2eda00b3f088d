package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
)

func newRun(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the whole service",
		Long: `Run the whole service: all handlers, HTTP servers and background tasks, until an interrupt or
SIGTERM. It then stops in order: running handlers finish, results are flushed, finished work is
committed. A second interrupt ends it at once.`,
		Example: `  leat run
  leat run --profile production --set kafka.enabled=true`,
		Args: cobra.NoArgs,
		RunE: s.command(func(ctx context.Context, s *session, _ []string) error { return runService(ctx, s) }),
	}
}

func runService(ctx context.Context, s *session) error {
	a := s.service()
	if err := a.Validate(); err != nil {
		return faulty(err)
	}
	return a.Run(ctx)
}

func newConsume(s *session) *cobra.Command {
	var group string
	c := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Run the handlers of one topic and group",
		Long: `Run the handlers of one topic and group, without the HTTP servers and background tasks of the
service. The group may be left out when only one reads the topic.`,
		Example:           `  leat consume orders --group billing`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeHandlers(func(h router.HandlerInfo) string { return h.Topic }),
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			return consume(ctx, s, args[0], group)
		}),
	}
	c.Flags().StringVarP(&group, "group", "g", "", "consumer `group` (default: the only one that reads the topic)")
	_ = c.RegisterFlagCompletionFunc("group", s.completeHandlers(func(h router.HandlerInfo) string { return h.Group }))
	return c
}

func consume(ctx context.Context, s *session, topic, group string) error {
	infos, err := s.service().Handlers()
	if err != nil {
		return faulty(err)
	}
	chosen, err := readersOf(infos, topic, group)
	if err != nil {
		return err
	}
	return runWorkers(ctx, s, chosen)
}

// readersOf are the handlers of a topic and group.
func readersOf(infos []router.HandlerInfo, topic, group string) (chosen []router.HandlerInfo, err error) {
	var names, groups []string
	for _, h := range infos {
		names = append(names, h.Topic)
		if !same(h.Topic, topic) {
			continue
		}
		groups = append(groups, h.Group)
		if group == "" || same(h.Group, group) {
			chosen = append(chosen, h)
		}
	}
	switch {
	case len(groups) == 0:
		return nil, unknown("handler of topic", topic, names)
	case len(chosen) == 0:
		return nil, unknown("group on topic "+topic, group, groups)
	case group == "" && !oneGroup(chosen):
		return nil, usagef("topic %s is read by the groups %s: choose one with --group", topic, list(groups))
	}
	return chosen, nil
}

func oneGroup(hs []router.HandlerInfo) bool {
	for _, h := range hs {
		if h.Group != hs[0].Group {
			return false
		}
	}
	return true
}

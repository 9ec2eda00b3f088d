package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
)

func newWorker(s *session) *cobra.Command {
	var every bool
	c := &cobra.Command{
		Use:   "worker NAME…",
		Short: "Run chosen handlers, or all with --all",
		Long: `Run chosen handlers, or all with --all, without the HTTP servers and background tasks of the
service. Each runs on its own: one that fails is run again after a wait and stops no other. In
names '.', '-' and '_' are equal, and so are upper and lower case.`,
		Example: `  leat worker Mailer.Welcome
  leat worker mailer-welcome billing-charge
  leat worker --all`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: s.completeHandlers(func(h router.HandlerInfo) string { return h.Name }),
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			chosen, err := s.choose(args, every)
			if err != nil {
				return err
			}
			return runWorkers(ctx, s, chosen)
		}),
	}
	c.Flags().BoolVar(&every, "all", false, "run all handlers")
	return c
}

// choose finds the handlers that were named.
func (s *session) choose(names []string, every bool) ([]router.HandlerInfo, error) {
	infos, err := s.service().Handlers()
	if err != nil {
		return nil, faulty(err)
	}
	known := make([]string, len(infos))
	for i, h := range infos {
		known[i] = h.Name
	}
	switch {
	case every && len(names) > 0:
		return nil, usagef("worker: name handlers or pass --all, not both")
	case every && len(infos) == 0:
		return nil, usagef("worker --all: the service has no handlers")
	case every:
		return infos, nil
	case len(names) == 0:
		return nil, usagef("worker: name one or more handlers, or pass --all; there are %s", list(known))
	}
	return pick(infos, names, known)
}

func pick(infos []router.HandlerInfo, names, known []string) (chosen []router.HandlerInfo, err error) {
	var errs []error
	for _, n := range names {
		i := slices.IndexFunc(infos, func(h router.HandlerInfo) bool { return same(h.Name, n) })
		switch {
		case i < 0:
			errs = append(errs, unknown("worker", n, known))
		case !slices.ContainsFunc(chosen, func(h router.HandlerInfo) bool { return h.Name == infos[i].Name }):
			chosen = append(chosen, infos[i])
		}
	}
	return chosen, errors.Join(errs...)
}

// runWorkers runs every handler on its own until ctx ends.
func runWorkers(ctx context.Context, s *session, chosen []router.HandlerInfo) error {
	a, err := s.service().Shared()
	if err != nil {
		return faulty(err)
	}
	l, err := a.Settings()
	if err != nil {
		return faulty(err)
	}
	log, err := a.Log()
	if err != nil {
		return faulty(err)
	}
	if s.app.Environment().Broker == nil && a.Environment().Broker != nil {
		log.Warn("no broker is enabled: running in memory, messages are gone when the workers stop",
			slog.String("cure", "set KAFKA_ENABLED=true or REDIS_ENABLED=true"))
	}
	var ws []worker
	var faults []error
	for _, h := range chosen {
		one := a.Only(func(o router.HandlerInfo) bool { return o.Name == h.Name })
		faults = append(faults, one.Validate())
		ws = append(ws, worker{h.Name, solo{one, l.Settings.Shutdown.Timeout + stopTime}.run})
	}
	if err := errors.Join(faults...); err != nil {
		return faulty(err)
	}
	return (&supervisor{log: log}).run(ctx, ws)
}

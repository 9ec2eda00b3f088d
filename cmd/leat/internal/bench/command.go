// Package bench is the command `leat bench`: it measures leat beside a hand-written loop, on the
// broker that the settings name.
package bench

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/internal/bench"
	"github.com/leat-go/leat/settings"
)

// Command returns the command.
func Command() cli.Command {
	var o options
	return cli.Command{
		Name:  "bench",
		Short: "Measure leat on your broker, beside a loop written by hand",
		Long: `Measure leat on your broker, beside a loop written by hand over the same client: publishing one
message after the other, from 64 callers and in batches of 1,000, consuming, the worker pipeline, and
the latency at 1,000 messages a second. Both use the settings of leat, such as KAFKA_BOOTSTRAP_SERVERS.

It makes topics and groups of its own whose names begin with leat-bench- and a random part, and deletes
them at the end, also after an interrupt. While it runs the broker has as much to do as it can: with the
profile production it wants --yes.`,
		Example: `  leat bench --broker kafka
  leat bench --broker redis --messages 100000 --payload 1024
  leat bench -o json | jq '.[] | select(.subject == "leat") | {workload, median, ratio_to_bare}'`,
		Flags: o.flags,
		Run:   func(ctx context.Context, c cli.Call) error { return run(ctx, c, o) },
	}
}

type options struct {
	broker                                string
	messages, payload, partitions, rounds int
	yes                                   bool
}

func (o *options) flags(f *pflag.FlagSet) {
	f.StringVar(&o.broker, "broker", "", "`name` of the broker, kafka or redis (default: the one that is enabled)")
	f.IntVar(&o.messages, "messages", 20_000, "`number` of messages that 64 callers publish; 4 times as many are consumed, worked on and published in batches")
	f.IntVar(&o.payload, "payload", 100, "`bytes` of a message as JSON, at least 100")
	f.IntVarP(&o.partitions, "partitions", "p", 6, "`number` of partitions of the topics")
	f.IntVar(&o.rounds, "rounds", 3, "`number` of rounds that count, after one that warms up")
	f.BoolVar(&o.yes, "yes", false, "run with the profile production too")
}

func (o *options) check() error {
	switch {
	case o.broker != "" && !slices.Contains(brokers, o.broker):
		return cli.Usagef("--broker %s: want one of %s", o.broker, strings.Join(brokers, ", "))
	case o.messages < 1 || o.partitions < 1 || o.rounds < 1:
		return cli.Usagef("--messages, --partitions and --rounds must be positive")
	case o.payload < 100 || o.payload > 512<<10:
		return cli.Usagef("--payload is 100 to %d bytes", 512<<10)
	}
	return nil
}

func run(ctx context.Context, c cli.Call, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	t, err := newTarget(c, o.broker)
	if err != nil {
		return err
	}
	if t.loaded.Profile == "production" && !o.yes {
		return cli.Usagef("the profile is production: bench loads %s as much as it can; pass --yes to do that", t.place())
	}
	s, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // nothing is under way
	p := o.plan(c)
	c.Say("measuring on %s, with topics and groups that begin with %s", t.place(), p.Prefix)
	rows, err := p.On(ctx, s, t.workloads())
	if printErr := show(c, rows); printErr != nil {
		return printErr
	}
	return err
}

func (o *options) plan(c cli.Call) bench.Plan {
	return bench.Plan{
		Prefix: "leat-bench-" + strings.ToLower(rand.Text()[:8]), Rounds: o.rounds + 1, Messages: o.messages, Payload: o.payload,
		Partitions: o.partitions, Log: slog.New(slog.NewTextHandler(talk{c}, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
	}
}

// talk writes lines to stderr.
type talk struct{ c cli.Call }

func (t talk) Write(line []byte) (int, error) {
	t.c.Say("%s", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

// brokers are those that can be measured.
var brokers = []string{kafkaName, redisName}

const (
	kafkaName = "kafka"
	redisName = "redis"
)

// chosen is the broker of the settings.
func chosen(s settings.Settings) (string, error) {
	if name := s.Broker(); slices.Contains(brokers, name) {
		return name, nil
	}
	return "", cli.Usagef("no broker is enabled: pass --broker kafka or --broker redis, or set KAFKA_ENABLED=true or REDIS_ENABLED=true")
}

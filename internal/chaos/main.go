package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Main runs a role of this program: `run` tries faults, `produce` and `consume` are its children, `check`
// judges the logs of a folder. It returns the exit code: 1 on any violation, 2 on wrong arguments.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := role(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "chaos:", err)
		return 2
	default:
		fmt.Fprintln(stderr, "chaos:", err)
		return 1
	}
}

var (
	errUsage     = errors.New("usage: chaos run|produce|consume|check [flags]")
	errViolation = errors.New("a promise was broken")
)

func role(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "run":
		return runRole(ctx, args[1:], stdout, stderr)
	case "produce":
		return produceRole(ctx, args[1:], stderr)
	case "consume":
		return consumeRole(context.WithoutCancel(ctx), args[1:], stderr)
	case "check":
		return checkRole(args[1:], stdout, stderr)
	}
	return fmt.Errorf("no role %q: %w", args[0], errUsage)
}

func parse(f *flag.FlagSet, args []string, stderr io.Writer) error {
	f.SetOutput(stderr)
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w (%w)", errUsage, err)
	}
	return nil
}

// args are the flags that bindNames reads.
func (n names) args() []string {
	return []string{
		"-run", n.run, "-format", n.format, "-partitions", strconv.Itoa(n.partitions), "-replication", strconv.Itoa(n.replication),
		"-together=" + strconv.FormatBool(n.together),
	}
}

func bindNames(f *flag.FlagSet, n *names) {
	f.StringVar(&n.run, "run", "chaos", "prefix of topics and groups")
	f.StringVar(&n.format, "format", "json", "json or avro")
	f.BoolVar(&n.together, "together", false, "all handlers are in one group")
	f.IntVar(&n.partitions, "partitions", partitions, "partitions of each topic")
	f.IntVar(&n.replication, "replication", 0, "replicas of each topic; 0: the broker's default")
}

func produceRole(ctx context.Context, args []string, stderr io.Writer) error {
	var o produceOptions
	f := flag.NewFlagSet("produce", flag.ContinueOnError)
	bindNames(f, &o.names)
	f.StringVar(&o.log, "log", "producer.log", "file to append events to")
	f.IntVar(&o.index, "index", 0, "number of this producer: its keys are its own")
	f.IntVar(&o.messages, "messages", 1000, "how many to publish")
	f.IntVar(&o.keys, "keys", keys, "how many keys")
	f.IntVar(&o.rate, "rate", 0, "messages per second; 0: as fast as it goes")
	f.Int64Var(&o.seed, "seed", 1, "decides the fate of each message")
	f.IntVar(&o.flaky, "flaky", 0, "of 1000, fail once")
	f.IntVar(&o.doomed, "doomed", 0, "of 1000, fail always")
	f.IntVar(&o.poison, "poison", 0, "of 1000, cannot be decoded")
	if err := parse(f, args, stderr); err != nil {
		return err
	}
	return produce(ctx, o)
}

// consumeRole leaves signals to the service: its ctx does not end with one.
func consumeRole(ctx context.Context, args []string, stderr io.Writer) error {
	var o consumeOptions
	f := flag.NewFlagSet("consume", flag.ContinueOnError)
	bindNames(f, &o.names)
	f.StringVar(&o.log, "log", "member.log", "file to append events to")
	f.BoolVar(&o.pipe, "pipe", false, "work on to a second topic and consume that too")
	f.BoolVar(&o.batch, "batch", false, "consume the second topic in batches")
	f.IntVar(&o.concurrency, "concurrency", 8, "handlers at once")
	f.DurationVar(&o.work, "work", 0, "what each handler takes beside its usual 2 ms at most")
	f.DurationVar(&o.retry, "retry", 50*time.Millisecond, "wait before each of three retries")
	if err := parse(f, args, stderr); err != nil {
		return err
	}
	return consume(ctx, o)
}

// report is one line of the output.
type report struct {
	Time       time.Time `json:"time"`
	Broker     string    `json:"broker"`
	Fault      string    `json:"fault"`
	Servers    string    `json:"servers,omitempty"`
	Membership string    `json:"membership,omitempty"` // how members share the partitions, on Kafka
	With       []string  `json:"with,omitempty"`
	Seed       int64     `json:"seed"`
	Messages   int       `json:"messages"`
	TookMs     int64     `json:"took_ms"`
	Verdict    string    `json:"verdict"` // passed, reported (the server forgot), violated, not run, error
	Reason     string    `json:"reason,omitempty"`
	Logs       string    `json:"logs,omitempty"` // kept after a violation

	*Judgement
}

// Judgement is a Verdict within a report, beside its field of that name.
type Judgement = Verdict

func runRole(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := Options{Talk: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }}
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.IntVar(&o.Messages, "messages", 1_000_000, "messages on each broker, over all faults in equal parts")
	f.Int64Var(&o.Seed, "seed", 1, "decides fates and victims")
	f.Int64Var(&o.Memory, "memory", 256<<20, "bytes that a member may keep resident; 0: any")
	f.StringVar(&o.Dir, "dir", os.TempDir(), "where logs go")
	with := f.String("with", "", "settings of the members by comma, for instance KAFKA_GROUP_PROTOCOL=consumer")
	brokers := f.String("broker", "kafka,redis", "brokers, by comma")
	chosen := f.String("faults", "", "faults, by comma; empty: all")
	groups := f.String("membership", "", "how members share partitions on Kafka, by comma: cooperative, range, consumer, static; empty: all")
	if err := parse(f, args, stderr); err != nil {
		return err
	}
	fs, err := choose(*chosen)
	ms, err2 := chooseMemberships(*groups)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	o.With = split(*with)
	return Run(ctx, o, split(*brokers), fs, ms, stdout)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// choose finds faults by name.
func choose(list string) (fs []fault, err error) {
	wanted := split(list)
	for _, f := range faults() {
		if len(wanted) == 0 || slices.Contains(wanted, f.name) {
			fs = append(fs, f)
		}
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(fs, func(f fault) bool { return f.name == w }) {
			err = errors.Join(err, fmt.Errorf("no fault %q: %w", w, errUsage))
		}
	}
	return fs, err
}

// checkRole judges logs that a run left behind.
func checkRole(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	name := f.String("fault", "none", "the fault of the run")
	dir := f.String("dir", ".", "folder with the logs")
	if err := parse(f, args, stderr); err != nil {
		return err
	}
	fs, err := choose(*name)
	if err != nil {
		return err
	}
	h := NewHistory(fs[0].stages()...)
	if err := newTail(filepath.Clean(*dir)).each(h.Add); err != nil {
		return err
	}
	v := Check(h, fs[0].rules, nil)
	if err := json.NewEncoder(stdout).Encode(v); err != nil || v.Passed() {
		return err
	}
	return errViolation
}

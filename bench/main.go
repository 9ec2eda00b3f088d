// Bench compares leat with the bare clients and with the stock adapters of Watermill, on real
// servers that it starts on this machine. The workloads are those of internal/bench; the stock
// adapters, the servers and the goals are here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/leat-go/leat/internal/bench"
)

var quiet = slog.New(slog.DiscardHandler)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	broker, workload string
	subject          string
	rounds, messages int
	payload          int
	quick, full      bool
	verbose          bool
	profiles, out    string
}

var brokers = map[string]starter{"kafka": startKafka, "redis": startRedis, "memory": startMemory}

func parse(args []string, talk io.Writer) (o options, err error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(talk)
	fs.StringVar(&o.broker, "broker", "all", "kafka, redis, memory (how fast a service starts) or all")
	fs.StringVar(&o.workload, "workload", "", "run only workloads whose name matches this regular expression")
	fs.StringVar(&o.subject, "subject", "", "run only this subject: bare, labelled, leat or stock")
	fs.IntVar(&o.rounds, "rounds", 6, "rounds, the first of which is dropped; at least 2")
	fs.IntVar(&o.messages, "messages", 100_000, "messages that 64 callers publish; consumers, pipelines and batches get 4 times as many")
	fs.IntVar(&o.payload, "payload", 0, "bytes of a message, 100 or 1024; 0 for both")
	fs.StringVar(&o.profiles, "profile", "", "write CPU and allocation profiles of leat's runs into this folder")
	fs.StringVar(&o.out, "out", "result.json", "file for the results")
	fs.BoolVar(&o.quick, "quick", false, "three rounds of few small messages: a first impression")
	fs.BoolVar(&o.full, "full", false, "scale to 100 times -messages waiting instead of 10 times; wants some GB of disk and memory")
	fs.BoolVar(&o.verbose, "v", false, "report every run")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.messages, o.payload = 3, 20_000, 100
	}
	return o, o.check()
}

func (o options) check() error {
	_, known := brokers[o.broker]
	if o.rounds < 2 || o.messages < 1 || !known && o.broker != "all" || !slices.Contains([]int{0, 100, 1024}, o.payload) ||
		!slices.Contains([]string{"", bench.SubjectBare, bench.SubjectLabelled, bench.SubjectLeat, bench.SubjectStock}, o.subject) {
		return errors.New("-rounds is at least 2, -broker is kafka, redis, memory or all, -payload is 100 or 1024, -subject is bare, labelled, leat or stock")
	}
	return nil
}

func run(ctx context.Context, args []string, out, talk io.Writer) error {
	o, err := parse(args, talk)
	if err != nil {
		return err
	}
	match, err := regexp.Compile(o.workload)
	if err != nil {
		return err
	}
	rows, err := o.all(ctx, match, talk)
	return errors.Join(err, table(out, rows), save(o.out, rows))
}

// all runs what was asked for. Rows of what succeeded are returned beside the error.
func (o options) all(ctx context.Context, match *regexp.Regexp, talk io.Writer) (rows []bench.Row, err error) {
	p := o.plan(talk)
	registry, stop := startRegistry()
	defer stop()
	for _, name := range []string{"kafka", "redis", "memory"} {
		if o.broker != "all" && o.broker != name {
			continue
		}
		more, runErr := o.on(ctx, p, brokers[name], registry, matching(name, match))
		rows, err = append(rows, more...), errors.Join(err, runErr)
	}
	return rows, err
}

func (o options) on(ctx context.Context, p bench.Plan, start starter, registry string, ws []bench.Workload) (rows []bench.Row, err error) {
	if len(ws) == 0 {
		return nil, nil
	}
	s, err := start(ctx, registry)
	if err != nil {
		return nil, err
	}
	p.Log.Info("started", "server", s.version, "go", runtime.Version(), "cores", runtime.NumCPU(), "clients", versions())
	for _, p.Payload = range o.payloads() {
		more, runErr := p.On(ctx, s, ws)
		rows, err = append(rows, more...), errors.Join(err, runErr)
	}
	return rows, errors.Join(err, s.close())
}

func (o options) payloads() []int {
	if o.payload > 0 {
		return []int{o.payload}
	}
	return []int{100, 1024}
}

func (o options) plan(talk io.Writer) bench.Plan {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	p := bench.Plan{
		Prefix: "bench", Rounds: o.rounds, Messages: o.messages, Subject: o.subject, Full: o.full,
		Log: slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: level})),
	}
	if o.profiles != "" {
		p.Around = profiling(o.profiles)
	}
	return p
}

// matching are the workloads of a broker whose name matches.
func matching(broker string, match *regexp.Regexp) []bench.Workload {
	ws := bench.Workloads()
	if broker == "memory" {
		ws = []bench.Workload{starting()}
	}
	return slices.DeleteFunc(ws, func(w bench.Workload) bool { return !match.MatchString(w.Name) })
}

// versions names the libraries that are compared.
func versions() (vs []string) {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		switch d.Path {
		case "github.com/twmb/franz-go", "github.com/redis/go-redis/v9", "github.com/IBM/sarama", "github.com/ThreeDotsLabs/watermill",
			"github.com/ThreeDotsLabs/watermill-kafka/v3", "github.com/ThreeDotsLabs/watermill-redisstream", "github.com/go-json-experiment/json":
			vs = append(vs, d.Path+"@"+d.Version)
		}
	}
	return vs
}

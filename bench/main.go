// Bench compares leat with the bare clients and with the stock adapters of Watermill, on real
// servers that it starts on this machine.
//
// Subjects run one at a time in one process, in turns, for several rounds; the first round
// warms up and is dropped. Ratios are medians of the ratios of single rounds. All write with
// acks=all and idempotence, without linger and compression, in the same partitions, and
// decode and encode the same JSON with the same library.
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
	"time"
)

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
	quick, verbose   bool
	profiles, out    string
}

func parse(args []string, talk io.Writer) (o options, err error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(talk)
	fs.StringVar(&o.broker, "broker", "both", "kafka, redis or both")
	fs.StringVar(&o.workload, "workload", "", "run only workloads whose name matches this regular expression")
	fs.StringVar(&o.subject, "subject", "", "run only this subject: bare, leat or stock")
	fs.IntVar(&o.rounds, "rounds", 6, "rounds, the first of which is dropped; at least 2")
	fs.IntVar(&o.messages, "messages", 100_000, "messages of a worker pipeline; other workloads scale with it")
	fs.IntVar(&o.payload, "payload", 0, "bytes of a message, 100 or 1024; 0 for both")
	fs.StringVar(&o.profiles, "profile", "", "write CPU and allocation profiles of leat's runs into this folder")
	fs.StringVar(&o.out, "out", "result.json", "file for the results")
	fs.BoolVar(&o.quick, "quick", false, "three rounds of few small messages, about two minutes")
	fs.BoolVar(&o.verbose, "v", false, "report every run")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.messages, o.payload = 3, 20_000, 100
	}
	if o.rounds < 2 || !slices.Contains([]string{"kafka", "redis", "both"}, o.broker) || !slices.Contains([]int{0, 100, 1024}, o.payload) {
		return o, errors.New("-rounds is at least 2, -broker is kafka, redis or both, -payload is 100 or 1024")
	}
	return o, nil
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
func (o options) all(ctx context.Context, match *regexp.Regexp, talk io.Writer) (rows []row, err error) {
	p := o.plan(talk)
	for _, start := range o.servers() {
		s, startErr := start(ctx)
		if startErr != nil {
			return rows, errors.Join(err, startErr)
		}
		p.log.Info("started", "server", s.version(), "go", runtime.Version(), "cores", runtime.NumCPU(), "clients", versions())
		more, runErr := p.on(ctx, s, match)
		rows = append(rows, more...)
		err = errors.Join(err, runErr, s.close())
	}
	return rows, err
}

func (o options) plan(talk io.Writer) plan {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	p := plan{o.rounds, o.messages, both, o.subject, o.profiles, slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: level}))}
	if o.payload > 0 {
		p.payloads = []int{o.payload}
	}
	return p
}

func (o options) servers() (fs []func(context.Context) (server, error)) {
	if o.broker != "redis" {
		fs = append(fs, startKafka)
	}
	if o.broker != "kafka" {
		fs = append(fs, startRedis)
	}
	return fs
}

// on runs the workloads on one server; one that fails stops no other.
func (p plan) on(ctx context.Context, s server, match *regexp.Regexp) (rows []row, err error) {
	for _, payload := range p.payloads {
		b := newBed(s, payload)
		for _, w := range workloads {
			if !match.MatchString(w.name) || !slices.Contains(w.payloads, payload) || ctx.Err() != nil {
				continue
			}
			start := time.Now()
			samples, runErr := p.compare(ctx, b, w)
			if runErr != nil {
				err = errors.Join(err, fmt.Errorf("%s on %s with %d bytes: %w", w.name, s.name(), payload, runErr))
				continue
			}
			rows = append(rows, w.rows(b, samples)...)
			p.log.Info("ran", "workload", w.name, "broker", s.name(), "payload", payload, "took", time.Since(start).Round(100*time.Millisecond))
		}
		b.drop(ctx)
	}
	return rows, err
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

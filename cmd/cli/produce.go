package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
)

type produceOptions struct {
	topic   string
	key     string
	avroKey bool
	headers []string
	avro    string
	typ     string
	rate    string
}

func newProduce(s *session) *cobra.Command {
	var o produceOptions
	c := &cobra.Command{
		Use:   "produce TOPIC",
		Short: "Publish JSON lines from stdin",
		Long: `Publish JSON lines from stdin, a message per line. On a topic that the service declares each
line is decoded into the topic's type, and its key, formats and validation apply. On any other
topic the line is published as it is, or as Avro with --avro, and the key as text, or as Avro with
--avro-key. Lines that cannot be published are reported with their number and the others go on; the
command then exits 1.`,
		Example: `  echo '{"id": 1}' | leat produce orders
  leat produce orders --key customer-7 --header source=import < orders.jsonl
  leat produce orders --avro order.avsc --rate 50 < orders.jsonl
  leat produce orders --key customer-7 --avro-key < order.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeTopics,
		RunE: s.command(func(ctx context.Context, s *session, args []string) error {
			o.topic = args[0]
			return produce(ctx, s, o)
		}),
	}
	o.flags(c)
	return c
}

func (o *produceOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.key, "key", "k", "", "`key` of every message (default: what the declared topic says)")
	f.BoolVar(&o.avroKey, "avro-key", false, "write --key as an Avro string, on a topic that is not declared")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "add a header `name=value`; may be repeated")
	f.StringVar(&o.avro, "avro", "", "encode with the Avro schema in this `file`")
	f.StringVar(&o.typ, "type", "", "which of the topic's types the lines are, by `name`")
	f.StringVar(&o.rate, "rate", "", "at most so `many` messages per second (default: no limit)")
}

func produce(ctx context.Context, s *session, o produceOptions) error {
	opts, err := o.sendOptions()
	if err != nil {
		return err
	}
	p, err := o.pace()
	if err != nil {
		return err
	}
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer c.close(ctx)
	read, err := readerFor(c.router.Topics(), o)
	if err != nil {
		return err
	}
	key, err := o.keyOption(ctx, c.router)
	if err != nil {
		return err
	}
	opts = append(opts, key...)
	if isTerminal(s.in) {
		s.say("type a JSON value per line; end with Ctrl-D")
	}
	b := newBatch(s, o.topic)
	send := func(ctx context.Context, n int, line []byte) {
		v, err := read(ctx, line)
		if err != nil {
			b.done(n, err)
			return
		}
		c.producer().SendAsync(ctx, o.topic, v, func(_ router.Receipt, err error) { b.done(n, err) }, opts...)
	}
	err = feed(ctx, s.in, p, b, send)
	return errors.Join(err, b.finish(ctx, c.patience()))
}

func (o *produceOptions) sendOptions() (opts []router.SendOption, err error) {
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			return nil, usagef("--header %s: want name=value", h)
		}
		opts = append(opts, router.Header(name, value))
	}
	if o.avro == "" {
		return opts, nil
	}
	schema, err := os.ReadFile(o.avro)
	if err != nil {
		return nil, usagef("--avro: %w", err)
	}
	return append(opts, router.Avro(string(schema))), nil
}

// pace spaces messages in time; the zero one does not.
type pace struct {
	every time.Duration
	next  time.Time
}

func (o *produceOptions) pace() (*pace, error) {
	if o.rate == "" {
		return &pace{}, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(o.rate, "/s"), 64)
	if err != nil || !(n > 0) {
		return nil, usagef("--rate %s: want messages per second, such as 50", o.rate)
	}
	return &pace{every: time.Duration(float64(time.Second) / n)}, nil
}

// wait returns when the next message may go, false when ctx ended before.
func (p *pace) wait(ctx context.Context) bool {
	if p.every == 0 {
		return ctx.Err() == nil
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	ahead := p.next.Sub(now)
	p.next = p.next.Add(p.every)
	return sleep(ctx, ahead)
}

// feed sends the lines of in until it ends, ctx ends or nothing can be reached any more.
func feed(ctx context.Context, in io.Reader, p *pace, b *batch, send func(context.Context, int, []byte)) error {
	lines, failed := linesOf(ctx, in)
	for n := 1; ; n++ {
		select {
		case line, ok := <-lines:
			if !ok {
				return <-failed
			}
			if len(line) == 0 {
				continue
			}
			if !p.wait(ctx) {
				return nil
			}
			b.sent()
			send(ctx, n, line)
		case <-b.broken:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// linesOf reads on a goroutine of its own, which nobody waits for: a read from a terminal
// cannot be interrupted.
func linesOf(ctx context.Context, in io.Reader) (<-chan []byte, <-chan error) {
	lines, failed := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		defer close(failed)
		for r := bufio.NewReader(in); ; {
			line, err := r.ReadBytes('\n')
			if line = bytes.TrimSpace(line); err == nil || len(line) > 0 {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					failed <- fmt.Errorf("read stdin: %w", err)
				}
				return
			}
		}
	}()
	return lines, failed
}

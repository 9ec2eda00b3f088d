package chaos

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/fx"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/router"
)

// consumeOptions are the arguments of `chaos consume`.
type consumeOptions struct {
	names
	log         string
	pipe        bool // work on to a second topic and consume that too
	batch       bool // consume that in batches
	concurrency int
	work        time.Duration // of each handler, beside that of its message
	retry       time.Duration
}

// member is a service that logs what its handlers do.
type member struct {
	log *Log
	o   consumeOptions
}

func consume(ctx context.Context, o consumeOptions) error {
	log, err := OpenLog(o.log)
	if err != nil {
		return err
	}
	m := member{log, o}
	ready := app.GoFunc(m.ready) //nolint:contextcheck // the app gives it one
	err = app.New(append(m.handlers(), ready)...).Run(ctx)
	return errors.Join(err, log.Close())
}

func (m member) handlers() []fx.Option {
	o := m.o
	same := router.Options(router.Concurrency(o.concurrency), router.Retry(3, router.Fixed(o.retry)))
	opts := []fx.Option{
		app.ConsumeFunc(o.letters(), m.bury, router.Name("bury"), router.Group(o.group(Letters)), router.NoDeadLetter()),
	}
	if !o.pipe {
		return append(opts, app.ConsumeFunc(o.in(), m.take, same, router.Name("take"), router.Group(o.group(In))))
	}
	opts = append(opts, app.WorkFunc(o.in(), o.out(), m.pass, same, router.Name("pass"), router.Group(o.group(In))))
	if o.batch {
		return append(opts, app.ConsumeBatchFunc(o.out(), m.endAll, same, router.BatchSize(20), router.BatchWait(time.Second),
			router.Name("end"), router.Group(o.group(Out))))
	}
	return append(opts, app.ConsumeFunc(o.out(), m.end, same, router.Name("end"), router.Group(o.group(Out))))
}

var errChosen = errors.New("chosen to fail")

func (m member) take(ctx context.Context, v Message) error { return m.handle(ctx, In, v) }
func (m member) end(ctx context.Context, v Message) error  { return m.handle(ctx, Out, v) }

func (m member) pass(ctx context.Context, v Message) (Message, error) {
	return v, m.handle(ctx, In, v)
}

// endAll handles a batch: what belongs to one key is done one after the other.
func (m member) endAll(ctx context.Context, vs []Message) error {
	failed := router.BatchErrors{}
	for i, meta := range router.Batch(ctx) {
		if err := m.handleAs(ctx, Out, vs[i], meta); err != nil {
			failed[i] = err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return failed
}

func (m member) handle(ctx context.Context, s Stage, v Message) error {
	return m.handleAs(ctx, s, v, router.Meta(ctx))
}

// handleAs works on a message between two lines of the log.
func (m member) handleAs(ctx context.Context, s Stage, v Message, meta router.Metadata) error {
	e := Event{
		Kind: Begin, Stage: s, Key: v.Key, Seq: v.Seq, Hash: v.hash(), Fate: v.Fate,
		Partition: meta.Partition, Offset: meta.Offset, Attempt: meta.Attempt,
	}
	if err := m.log.Add(e); err != nil {
		return err
	}
	err := m.work(ctx, s, v, meta.Attempt)
	e.Kind = Finish
	if err != nil {
		e.Kind = Error
	}
	return errors.Join(err, m.log.Add(e))
}

func (m member) work(ctx context.Context, s Stage, v Message, attempt int) error {
	if err := wait(ctx, v.work()+m.o.work); err != nil {
		return err
	}
	if s == In && (v.Fate == Doomed || v.Fate == Flaky && attempt == 1) {
		return errChosen
	}
	return ctx.Err()
}

// bury logs a dead letter: its value is the message's, or the poison.
func (m member) bury(ctx context.Context, value []byte) error {
	meta := router.Meta(ctx)
	v, err := unearth(value)
	if err != nil {
		return err
	}
	return m.log.Add(Event{
		Kind: Dead, Stage: Letters, Key: v.Key, Seq: v.Seq, Hash: v.hash(), Fate: v.Fate,
		Partition: meta.Partition, Offset: meta.Offset, Attempt: meta.Attempt,
	})
}

func unearth(value []byte) (v Message, err error) {
	if len(value) > 5 && value[0] == 0 {
		return unearthAvro(value[5:])
	}
	if bytes.HasPrefix(value, []byte("{poison ")) {
		v.Fate = Poison
		_, err = fmt.Sscanf(string(value), "{poison %s %d", &v.Key, &v.Seq)
		return v, err
	}
	return v, json.Unmarshal(value, &v)
}

// unearthAvro reads a message without its schema: three strings and a number.
func unearthAvro(b []byte) (v Message, err error) {
	text := func() (s string) {
		n, used := binary.Varint(b)
		if used <= 0 || n < 0 || n > int64(len(b)-used) {
			err = errors.New("no message: " + strconv.Quote(string(b)))
			return ""
		}
		s, b = string(b[used:used+int(n)]), b[used+int(n):]
		return s
	}
	v.Key = text()
	seq, used := binary.Varint(b)
	v.Seq, b = int(seq), b[max(0, used):]
	v.Fate, v.Body = Fate(text()), text()
	return v, err
}

// ready notes that the member consumes.
func (m member) ready(context.Context) error { return m.log.Add(Event{Kind: Ready}) }

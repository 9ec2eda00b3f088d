package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// quiet is how long nothing comes before a reader asks whether there is anything left: the
// last offsets of a partition may hold nothing that is delivered.
const quiet = time.Second

// Read yields the records of topics without a group. Topics that do not exist end it with
// [broker.ErrNoTopic].
func (b *Broker) Read(ctx context.Context, o broker.ReadOptions) iter.Seq2[*broker.Record, error] {
	return func(yield func(*broker.Record, error) bool) {
		if err := b.read(ctx, &o, func(r *broker.Record) bool { return yield(r, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (b *Broker) read(ctx context.Context, o *broker.ReadOptions, yield func(*broker.Record) bool) error {
	if b.closed.Load() {
		return broker.ErrClosed
	}
	r := &reader{b: b, o: o, yield: yield}
	if err := r.locate(ctx); err != nil {
		return err
	}
	if len(r.next) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(append(b.consumerOpts(), kgo.FetchMaxPartitionBytes(fetchMuch), kgo.ConsumePartitions(r.offsets()), kgo.KeepControlRecords(), kgo.WithHooks(&r.answers))...)
	if err != nil {
		return fmt.Errorf("read %v: %w", o.Topics, err)
	}
	defer cl.Close()
	r.cl = cl
	return r.run(ctx)
}

// reader reads partitions from next to end.
type reader struct {
	b     *Broker
	cl    *kgo.Client
	o     *broker.ReadOptions
	yield func(*broker.Record) bool
	over  bool // the consumer of the records has had enough

	answers answers // since the last record

	next map[place]int64 // partitions that are not read to their end
	end  map[place]int64 // where they end; without an entry they do not
}

// locate finds the beginnings and ends.
func (r *reader) locate(ctx context.Context) error {
	s, err := surveyTopics(ctx, r.b.admin, "", r.o.Topics)
	if err != nil {
		return r.b.unreachable(err)
	}
	for _, name := range r.o.Topics {
		if !exists(s.details, name) {
			return unreadable(name, s.details[name].Err)
		}
	}
	if err := r.beginAll(ctx, s); err != nil {
		return err
	}
	return r.findEnds(ctx)
}

func (r *reader) beginAll(ctx context.Context, s *survey) error {
	since, err := r.after(ctx, r.o.Since)
	if err != nil {
		return err
	}
	r.next, r.end = map[place]int64{}, map[place]int64{}
	for _, name := range r.o.Topics {
		for id := range s.details[name].Partitions {
			if err := r.begin(s, since, place{name, id}); err != nil {
				return err
			}
		}
	}
	return nil
}

func unreadable(topic string, err error) error {
	if why := permission(topic, "", err); why != "" {
		return fmt.Errorf("read topic %s: %s: %w", topic, why, err)
	}
	return fmt.Errorf("read topic %s: %w", topic, broker.ErrNoTopic)
}

// after lists the first offsets at or after t; nil for the zero time.
func (r *reader) after(ctx context.Context, t time.Time) (kadm.ListedOffsets, error) {
	if t.IsZero() {
		return nil, nil
	}
	return r.list(ctx, func(ctx context.Context, names ...string) (kadm.ListedOffsets, error) {
		return r.b.admin.ListOffsetsAfterMilli(ctx, ceilMilli(t), names...)
	})
}

// ceilMilli is the first whole millisecond at or after t.
func ceilMilli(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

func (r *reader) begin(s *survey, since kadm.ListedOffsets, at place) error {
	start, end, err := s.bounds(at)
	if err != nil {
		return err
	}
	r.next[at] = start
	if o, ok := since.Lookup(at.topic, at.id); ok {
		r.next[at] = max(o.Offset, start)
	} else if r.o.Since.IsZero() && r.b.startOr(r.o.Start) == broker.StartLatest {
		r.next[at] = end
	}
	return nil
}

// findEnds sets the ends that are known now.
func (r *reader) findEnds(ctx context.Context) error {
	if r.o.UntilEnd {
		ends, err := r.stable(ctx)
		if err != nil {
			return err
		}
		r.cut(ends)
	}
	if !r.o.Until.IsZero() && r.o.Until.Before(time.Now()) {
		ends, err := r.after(ctx, r.o.Until.Add(1))
		if err != nil {
			return err
		}
		r.cut(ends)
	}
	return nil
}

// stable are the ends up to which records can be read now.
func (r *reader) stable(ctx context.Context) (kadm.ListedOffsets, error) {
	if r.b.cfg.IsolationLevel == "read_uncommitted" {
		return r.list(ctx, r.b.admin.ListEndOffsets)
	}
	return r.list(ctx, r.b.admin.ListCommittedOffsets)
}

// list takes no answer that leaves out a partition.
func (r *reader) list(ctx context.Context, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (kadm.ListedOffsets, error) {
	os, err := listOffsets(ctx, ask, r.o.Topics)
	if err != nil {
		return nil, err
	}
	return os, doing("list offsets", anyError(os))
}

// cut sets ends, or moves them forward, and forgets partitions that are at theirs.
func (r *reader) cut(ends kadm.ListedOffsets) {
	for at := range r.next {
		o, ok := ends.Lookup(at.topic, at.id)
		if old, has := r.end[at]; ok && (!has || o.Offset < old) {
			r.end[at] = o.Offset
		}
		r.settle(at)
	}
}

// settle forgets a partition that is read to its end.
func (r *reader) settle(at place) {
	if end, ok := r.end[at]; ok && r.next[at] >= end {
		delete(r.next, at)
	}
}

func (r *reader) offsets() map[string]map[int32]kgo.Offset {
	os := map[string]map[int32]kgo.Offset{}
	for at, n := range r.next {
		if os[at.topic] == nil {
			os[at.topic] = map[int32]kgo.Offset{}
		}
		os[at.topic][at.id] = kgo.NewOffset().At(n)
	}
	return os
}

func (r *reader) run(ctx context.Context) error {
	for len(r.next) > 0 && !r.over {
		heard := r.answers.all()
		within, cancel := context.WithTimeout(ctx, quiet)
		fs := r.cl.PollRecords(within, r.b.cfg.MaxPollRecords)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetchFailure(fs); err != nil {
			return err
		}
		r.take(fs)
		if fs.NumRecords() > 0 {
			r.answers.forget()
		} else {
			if err := r.idle(ctx, heard); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchFailure is what ends reading. Running into the quiet does not.
func fetchFailure(fs kgo.Fetches) error {
	for _, e := range fs.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			return fmt.Errorf("read topic %s, partition %d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

// idle ends partitions in which nothing is left: everything up to the end was asked for, and
// the servers have answered with nothing: heard is what they had answered before it was quiet.
func (r *reader) idle(ctx context.Context, heard answered) error {
	if !r.o.Until.IsZero() && r.o.Until.Before(time.Now()) {
		ends, err := r.after(ctx, r.o.Until.Add(1))
		if err != nil {
			return err
		}
		r.cut(ends)
	}
	if err := r.cl.Ping(ctx); err != nil {
		return r.b.unreachable(err)
	}
	for at := range r.next {
		if _, ok := r.end[at]; ok && heard.enough(r.cl.PartitionLeader(at.topic, at.id)) {
			delete(r.next, at)
		}
	}
	return nil
}

func (r *reader) take(fs kgo.Fetches) {
	for rec := range fs.RecordsAll() {
		at := place{rec.Topic, rec.Partition}
		if _, reading := r.next[at]; !reading || r.over {
			continue
		}
		r.takeOne(at, rec)
	}
}

func (r *reader) takeOne(at place, rec *kgo.Record) {
	end, ends := r.end[at]
	late := !r.o.Until.IsZero() && rec.Timestamp.After(r.o.Until)
	if ends && rec.Offset >= end || late && !rec.Attrs.IsControl() {
		delete(r.next, at)
		return
	}
	r.next[at] = rec.Offset + 1
	r.settle(at)
	if !rec.Attrs.IsControl() {
		r.over = !r.yield(fromKafka(rec))
	}
}

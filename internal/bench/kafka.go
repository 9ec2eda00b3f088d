package bench

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BareKafka is a hand-written loop over franz-go.
type BareKafka struct {
	// Common are options of all clients, Produce and Consume those of either kind.
	Common, Produce, Consume []kgo.Opt
	// Labelled gives messages the headers that leat's have.
	Labelled bool
}

// Publisher is a client whose records wait for nothing but their acknowledgement.
func (d BareKafka) Publisher(_ context.Context, t Topic) (Publisher, error) {
	c, err := kgo.NewClient(append(d.producing(), kgo.DefaultProduceTopic(t.Name))...)
	return bareKafkaPublisher{c, d.Labelled}, err
}

func (d BareKafka) producing() []kgo.Opt {
	opts := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(50_000)}
	return append(append(opts, d.Common...), d.Produce...)
}

type bareKafkaPublisher struct {
	c        *kgo.Client
	labelled bool
}

func keyed(topic, key string, v any) (*kgo.Record, error) {
	data, err := json.Marshal(v)
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: data}, err
}

const idLabel, correlationLabel = "_watermill_message_uuid", "correlation_id"

// label gives r the headers that leat gives a message, which follows from another one unless that is nil.
func label(r *kgo.Record, typ string, from *kgo.Record) {
	id := []byte(uuid.Must(uuid.NewV7()).String())
	r.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}, {Key: "leat-type", Value: []byte(typ)}}
	if from == nil {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: correlationLabel, Value: id})
	} else {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: correlationLabel, Value: labelOf(from, correlationLabel)},
			kgo.RecordHeader{Key: "causation_id", Value: labelOf(from, idLabel)})
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: idLabel, Value: id})
}

func labelOf(r *kgo.Record, key string) []byte {
	for _, h := range r.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return nil
}

func (p bareKafkaPublisher) record(e Event) (*kgo.Record, error) {
	r, err := keyed("", e.Key, e)
	if p.labelled {
		label(r, "Event", nil)
	}
	return r, err
}

func (p bareKafkaPublisher) One(ctx context.Context, e Event) error {
	r, err := p.record(e)
	if err != nil {
		return err
	}
	return p.c.ProduceSync(ctx, r).FirstErr()
}

func (p bareKafkaPublisher) Batch(ctx context.Context, es []Event) error {
	rs := make([]*kgo.Record, len(es))
	for i, e := range es {
		var err error
		if rs[i], err = p.record(e); err != nil {
			return err
		}
	}
	return p.c.ProduceSync(ctx, rs...).FirstErr()
}

func (p bareKafkaPublisher) Async(ctx context.Context, e Event, done func(error)) {
	r, err := p.record(e)
	if err != nil {
		done(err)
		return
	}
	p.c.Produce(ctx, r, func(_ *kgo.Record, err error) { done(err) })
}

func (p bareKafkaPublisher) Close() error {
	p.c.Close()
	return nil
}

// Read polls, handles, waits for the results and commits what it polled.
func (d BareKafka) Read(ctx context.Context, j Job) error {
	c, err := kgo.NewClient(append(append(d.producing(), kgo.ConsumerGroup(j.Group), kgo.ConsumeTopics(j.Topics...), kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted())), d.Consume...)...)
	if err != nil {
		return err
	}
	defer c.Close()
	j.labelled = d.Labelled
	for {
		fs := c.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := d.poll(ctx, c, j, fs); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// poll handles what was fetched, waits for the results and commits.
func (d BareKafka) poll(ctx context.Context, c *kgo.Client, j Job, fs kgo.Fetches) error {
	var failed errorOnce
	failed.set(fs.Err())
	fs.EachPartition(func(p kgo.FetchTopicPartition) {
		failed.set(j.records(ctx, c, p.Records, &failed))
	})
	if j.Out != "" {
		failed.set(c.Flush(ctx))
	}
	return errors.Join(failed.get(), c.CommitRecords(ctx, fs.Records()...))
}

func (j Job) records(ctx context.Context, c *kgo.Client, rs []*kgo.Record, failed *errorOnce) error {
	switch {
	case j.Mode == Batch:
		return j.inBatches(ctx, c, rs, failed)
	case j.Concurrency > 0:
		key := func(r *kgo.Record) string { return string(r.Key) }
		return byKey(rs, j.Concurrency, key, func(rs []*kgo.Record) error { return j.inTurns(ctx, c, rs, failed) })
	}
	return j.inTurns(ctx, c, rs, failed)
}

func (j Job) inTurns(ctx context.Context, c *kgo.Client, rs []*kgo.Record, failed *errorOnce) error {
	for _, r := range rs {
		if err := j.record(ctx, c, r, failed); err != nil {
			return err
		}
	}
	return nil
}

func (j Job) record(ctx context.Context, c *kgo.Client, r *kgo.Record, failed *errorOnce) error {
	if j.Mode == Raw {
		return j.DoRaw(ctx, r.Value)
	}
	var e Event
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return err
	}
	if !j.Mode.publishes() {
		return j.DoTyped(ctx, e)
	}
	out, err := j.DoWork(ctx, e)
	if err != nil {
		return err
	}
	return j.produce(ctx, c, r, out, failed)
}

func (j Job) produce(ctx context.Context, c *kgo.Client, from *kgo.Record, v Result, failed *errorOnce) error {
	r, err := keyed(j.Out, v.Key, v)
	if err != nil {
		return err
	}
	if j.labelled {
		label(r, "Result", from)
	}
	c.Produce(ctx, r, func(_ *kgo.Record, err error) { failed.set(err) })
	return nil
}

func (j Job) inBatches(ctx context.Context, c *kgo.Client, rs []*kgo.Record, failed *errorOnce) error {
	for len(rs) > 0 {
		n := min(batchSize, len(rs))
		es, err := decodeAll(rs[:n], func(r *kgo.Record) []byte { return r.Value })
		if err != nil {
			return err
		}
		outs, err := j.DoBatch(ctx, es)
		if err != nil {
			return err
		}
		for i, out := range outs {
			if err := j.produce(ctx, c, rs[i], out, failed); err != nil {
				return err
			}
		}
		rs = rs[n:]
	}
	return nil
}

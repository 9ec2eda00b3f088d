package main

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/twmb/franz-go/pkg/kgo"
)

// bareKafka is a hand-written loop over franz-go.
type bareKafka struct{ brokers []string }

func (bareKafka) can(m mode) bool { return m != plain }

func (d bareKafka) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(d.brokers...), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(50_000),
	}, opts...)...)
}

func (d bareKafka) publisher(_ context.Context, topic string) (publisher, error) {
	c, err := d.client(kgo.DefaultProduceTopic(topic))
	return bareKafkaPublisher{c}, err
}

type bareKafkaPublisher struct{ c *kgo.Client }

func keyed(topic, key string, v any) (*kgo.Record, error) {
	data, err := json.Marshal(v)
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: data}, err
}

func (p bareKafkaPublisher) one(ctx context.Context, e event) error {
	r, err := keyed("", e.Key, e)
	if err != nil {
		return err
	}
	return p.c.ProduceSync(ctx, r).FirstErr()
}

func (p bareKafkaPublisher) batch(ctx context.Context, es []event) error {
	rs := make([]*kgo.Record, len(es))
	for i, e := range es {
		var err error
		if rs[i], err = keyed("", e.Key, e); err != nil {
			return err
		}
	}
	return p.c.ProduceSync(ctx, rs...).FirstErr()
}

func (p bareKafkaPublisher) async(ctx context.Context, e event, done func(error)) {
	r, err := keyed("", e.Key, e)
	if err != nil {
		done(err)
		return
	}
	p.c.Produce(ctx, r, func(_ *kgo.Record, err error) { done(err) })
}

func (p bareKafkaPublisher) close() error {
	p.c.Close()
	return nil
}

func (d bareKafka) read(ctx context.Context, j job) error {
	c, err := d.client(kgo.ConsumerGroup(j.group), kgo.ConsumeTopics(j.topic), kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer c.Close()
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
func (d bareKafka) poll(ctx context.Context, c *kgo.Client, j job, fs kgo.Fetches) error {
	var failed errorOnce
	failed.set(fs.Err())
	fs.EachPartition(func(p kgo.FetchTopicPartition) {
		failed.set(j.records(ctx, c, p.Records, &failed))
	})
	if j.out != "" {
		failed.set(c.Flush(ctx))
	}
	return errors.Join(failed.get(), c.CommitRecords(ctx, fs.Records()...))
}

func (j job) records(ctx context.Context, c *kgo.Client, rs []*kgo.Record, failed *errorOnce) error {
	if j.mode == batch {
		return j.inBatches(ctx, c, rs, failed)
	}
	for _, r := range rs {
		if err := j.record(ctx, c, r, failed); err != nil {
			return err
		}
	}
	return nil
}

func (j job) record(ctx context.Context, c *kgo.Client, r *kgo.Record, failed *errorOnce) error {
	if j.mode == raw {
		return j.raw(ctx, r.Value)
	}
	var e event
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return err
	}
	if j.mode != work {
		return j.typed(ctx, e)
	}
	out, err := j.work(ctx, e)
	if err != nil {
		return err
	}
	return j.produce(ctx, c, out, failed)
}

func (j job) produce(ctx context.Context, c *kgo.Client, v result, failed *errorOnce) error {
	r, err := keyed(j.out, v.Key, v)
	if err != nil {
		return err
	}
	c.Produce(ctx, r, func(_ *kgo.Record, err error) { failed.set(err) })
	return nil
}

func (j job) inBatches(ctx context.Context, c *kgo.Client, rs []*kgo.Record, failed *errorOnce) error {
	for len(rs) > 0 {
		n := min(batchSize, len(rs))
		es := make([]event, n)
		for i, r := range rs[:n] {
			if err := json.Unmarshal(r.Value, &es[i]); err != nil {
				return err
			}
		}
		rs = rs[n:]
		outs, err := j.batch(ctx, es)
		if err != nil {
			return err
		}
		for _, out := range outs {
			if err := j.produce(ctx, c, out, failed); err != nil {
				return err
			}
		}
	}
	return nil
}

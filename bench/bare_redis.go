package main

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"
)

// bareRedis is a hand-written loop over go-redis: a stream for each partition, a consumer
// group, XADD and XACK in pipelines.
type bareRedis struct{ url string }

func (bareRedis) can(m mode) bool { return m != plain }

func (d bareRedis) client() (*redis.Client, error) {
	o, err := redis.ParseURL(d.url)
	if err != nil {
		return nil, err
	}
	o.PoolSize, o.MaxRetries = 64, -1
	return redis.NewClient(o), nil
}

// stream is where leat keeps a partition.
func stream(topic string, partition int) string {
	if partition == 0 {
		return topic
	}
	return topic + ":" + strconv.Itoa(partition)
}

func streams(topic string, parts int) []string {
	ss := make([]string, parts)
	for i := range ss {
		ss[i] = stream(topic, i)
	}
	return ss
}

// streamOf picks the stream of a key.
func streamOf(topic, key string, parts int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))                        // never fails
	return stream(topic, int(h.Sum32()%uint32(parts))) //nolint:gosec // a handful of partitions
}

func (d bareRedis) publisher(_ context.Context, topic string) (publisher, error) {
	c, err := d.client()
	return bareRedisPublisher{c, topic}, err
}

type bareRedisPublisher struct {
	c     *redis.Client
	topic string
}

func entry(topic, key string, parts int, v any) (*redis.XAddArgs, error) {
	data, err := json.Marshal(v)
	return &redis.XAddArgs{Stream: streamOf(topic, key, parts), Values: []any{"key", key, "payload", data}}, err
}

func (p bareRedisPublisher) one(ctx context.Context, e event) error {
	args, err := entry(p.topic, e.Key, partitions, e)
	if err != nil {
		return err
	}
	return p.c.XAdd(ctx, args).Err()
}

func (p bareRedisPublisher) batch(ctx context.Context, es []event) error {
	pipe := p.c.Pipeline()
	for _, e := range es {
		args, err := entry(p.topic, e.Key, partitions, e)
		if err != nil {
			return err
		}
		pipe.XAdd(ctx, args)
	}
	_, err := pipe.Exec(ctx)
	return err
}

func (p bareRedisPublisher) async(ctx context.Context, e event, done func(error)) {
	go func() { done(p.one(ctx, e)) }()
}

func (p bareRedisPublisher) close() error { return p.c.Close() }

func (d bareRedis) read(ctx context.Context, j job) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is under way
	from := streams(j.topic, j.partitions)
	for _, s := range from {
		if err := c.XGroupCreateMkStream(ctx, s, j.group, "0").Err(); err != nil {
			return err
		}
		from = append(from, ">")
	}
	args := &redis.XReadGroupArgs{Group: j.group, Consumer: "bare", Streams: from, Count: 500, Block: 100 * time.Millisecond}
	for ctx.Err() == nil {
		ss, err := c.XReadGroup(ctx, args).Result()
		if err == nil {
			err = j.entries(ctx, c, ss)
		}
		if err != nil && !errors.Is(err, redis.Nil) && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// entries handles what was read, publishes the results and acknowledges.
func (j job) entries(ctx context.Context, c *redis.Client, ss []redis.XStream) error {
	pipe, acks := c.Pipeline(), c.Pipeline()
	for _, s := range ss {
		if err := j.handleAll(ctx, pipe, s.Messages); err != nil {
			return err
		}
		ids := make([]string, len(s.Messages))
		for i, m := range s.Messages {
			ids[i] = m.ID
		}
		acks.XAck(ctx, s.Stream, j.group, ids...)
	}
	if pipe.Len() > 0 {
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	_, err := acks.Exec(ctx)
	return err
}

func payload(m redis.XMessage) []byte {
	s, _ := m.Values["payload"].(string)
	return []byte(s)
}

func (j job) handleAll(ctx context.Context, pipe redis.Pipeliner, ms []redis.XMessage) error {
	if j.mode == batch {
		return j.entryBatches(ctx, pipe, ms)
	}
	for _, m := range ms {
		if err := j.entry(ctx, pipe, m); err != nil {
			return err
		}
	}
	return nil
}

func (j job) entry(ctx context.Context, pipe redis.Pipeliner, m redis.XMessage) error {
	if j.mode == raw {
		return j.raw(ctx, payload(m))
	}
	var e event
	if err := json.Unmarshal(payload(m), &e); err != nil {
		return err
	}
	if j.mode != work {
		return j.typed(ctx, e)
	}
	out, err := j.work(ctx, e)
	if err != nil {
		return err
	}
	return j.add(ctx, pipe, out)
}

func (j job) add(ctx context.Context, pipe redis.Pipeliner, v result) error {
	args, err := entry(j.out, v.Key, j.partitions, v)
	if err != nil {
		return err
	}
	return pipe.XAdd(ctx, args).Err()
}

func (j job) entryBatches(ctx context.Context, pipe redis.Pipeliner, ms []redis.XMessage) error {
	for len(ms) > 0 {
		n := min(batchSize, len(ms))
		es := make([]event, n)
		for i, m := range ms[:n] {
			if err := json.Unmarshal(payload(m), &es[i]); err != nil {
				return err
			}
		}
		ms = ms[n:]
		outs, err := j.batch(ctx, es)
		if err != nil {
			return err
		}
		for _, out := range outs {
			if err := j.add(ctx, pipe, out); err != nil {
				return err
			}
		}
	}
	return nil
}

package bench

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"
)

// BareRedis is a hand-written loop over go-redis: a stream for each partition, a consumer
// group, XADD and XACK in pipelines.
type BareRedis struct {
	// Open makes a client.
	Open func() (redis.UniversalClient, error)
}

// streamKey is where leat keeps a partition.
func streamKey(topic string, partition int) string {
	if partition == 0 {
		return topic
	}
	return topic + ":" + strconv.Itoa(partition)
}

// Streams are the keys of the partitions of topics.
func Streams(parts int, topics ...string) (ss []string) {
	for _, t := range topics {
		for i := range parts {
			ss = append(ss, streamKey(t, i))
		}
	}
	return ss
}

// StreamOf picks the stream of a key.
func StreamOf(topic, key string, parts int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))                           // never fails
	return streamKey(topic, int(h.Sum32()%uint32(parts))) //nolint:gosec // a handful of partitions
}

// Publisher adds entries.
func (d BareRedis) Publisher(_ context.Context, t Topic) (Publisher, error) {
	c, err := d.Open()
	return bareRedisPublisher{c, t}, err
}

type bareRedisPublisher struct {
	c redis.UniversalClient
	t Topic
}

func entry(topic, key string, parts int, v any) (*redis.XAddArgs, error) {
	data, err := json.Marshal(v)
	return &redis.XAddArgs{Stream: StreamOf(topic, key, parts), Values: []any{"key", key, "payload", data}}, err
}

func (p bareRedisPublisher) One(ctx context.Context, e Event) error {
	args, err := entry(p.t.Name, e.Key, p.t.Partitions, e)
	if err != nil {
		return err
	}
	return p.c.XAdd(ctx, args).Err()
}

func (p bareRedisPublisher) Batch(ctx context.Context, es []Event) error {
	pipe := p.c.Pipeline()
	for _, e := range es {
		args, err := entry(p.t.Name, e.Key, p.t.Partitions, e)
		if err != nil {
			return err
		}
		pipe.XAdd(ctx, args)
	}
	_, err := pipe.Exec(ctx)
	return err
}

func (p bareRedisPublisher) Async(ctx context.Context, e Event, done func(error)) {
	go func() { done(p.One(ctx, e)) }()
}

func (p bareRedisPublisher) Close() error { return p.c.Close() }

// perRead is how many entries are read at once, of all streams together.
const perRead = 3000

// Read reads, handles, publishes the results and acknowledges what it read.
func (d BareRedis) Read(ctx context.Context, j Job) error {
	c, err := d.Open()
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is under way
	from, err := j.groups(ctx, c)
	if err != nil {
		return err
	}
	args := &redis.XReadGroupArgs{Group: j.Group, Consumer: "bare", Streams: from, Count: int64(max(perRead/(len(from)/2), 10)), Block: 100 * time.Millisecond}
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

// groups makes the group on all streams and returns what XREADGROUP wants to read.
func (j Job) groups(ctx context.Context, c redis.UniversalClient) ([]string, error) {
	from, pipe := Streams(j.Partitions, j.Topics...), c.Pipeline()
	for _, s := range from {
		pipe.XGroupCreateMkStream(ctx, s, j.Group, "0")
		from = append(from, ">")
	}
	_, err := pipe.Exec(ctx)
	return from, err
}

// entries handles what was read, publishes the results and acknowledges.
func (j Job) entries(ctx context.Context, c redis.UniversalClient, ss []redis.XStream) error {
	pipe, acks := c.Pipeline(), c.Pipeline()
	for _, s := range ss {
		if err := j.handleAll(ctx, pipe, s.Messages); err != nil {
			return err
		}
		ids := make([]string, len(s.Messages))
		for i, m := range s.Messages {
			ids[i] = m.ID
		}
		acks.XAck(ctx, s.Stream, j.Group, ids...)
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

func (j Job) handleAll(ctx context.Context, pipe redis.Pipeliner, ms []redis.XMessage) error {
	switch {
	case j.Mode == Batch:
		return j.entryBatches(ctx, pipe, ms)
	case j.Concurrency > 0:
		return j.entriesByKey(ctx, ms)
	}
	for _, m := range ms {
		if err := j.entry(ctx, pipe, m); err != nil {
			return err
		}
	}
	return nil
}

func (j Job) entry(ctx context.Context, pipe redis.Pipeliner, m redis.XMessage) error {
	if j.Mode == Raw {
		return j.DoRaw(ctx, payload(m))
	}
	var e Event
	if err := json.Unmarshal(payload(m), &e); err != nil {
		return err
	}
	if !j.Mode.publishes() {
		return j.DoTyped(ctx, e)
	}
	out, err := j.DoWork(ctx, e)
	if err != nil {
		return err
	}
	return j.add(ctx, pipe, out)
}

func (j Job) add(ctx context.Context, pipe redis.Pipeliner, v Result) error {
	args, err := entry(j.Out, v.Key, j.Partitions, v)
	if err != nil {
		return err
	}
	return pipe.XAdd(ctx, args).Err()
}

func (j Job) entryBatches(ctx context.Context, pipe redis.Pipeliner, ms []redis.XMessage) error {
	for len(ms) > 0 {
		n := min(batchSize, len(ms))
		es, err := decodeAll(ms[:n], payload)
		if err != nil {
			return err
		}
		ms = ms[n:]
		outs, err := j.DoBatch(ctx, es)
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

// entriesByKey finds the keys in the events: leat's entries have them among their headers.
func (j Job) entriesByKey(ctx context.Context, ms []redis.XMessage) error {
	es, err := decodeAll(ms, payload)
	if err != nil {
		return err
	}
	return byKey(es, j.Concurrency, func(e Event) string { return e.Key }, func(es []Event) error {
		for _, e := range es {
			if err := j.DoTyped(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// findStarts resolves where a member that receives everything begins.
func (in *intake) findStarts(ctx context.Context, start broker.Start) error {
	if start == broker.StartNone {
		return fmt.Errorf("broadcast of topic %s: %w", in.sub.Topic, broker.ErrNoStart)
	}
	for p := range in.partitions {
		var from entryID
		if start == broker.StartLatest {
			var err error
			if from, err = in.m.b.lastEntry(ctx, stream(in.sub.Topic, int32(p))); err != nil {
				return err
			}
		}
		in.resume[int32(p)] = mark{id: from}
	}
	return nil
}

// broadcast reads every partition on its own, and partitions that the topic gets later.
func (in *intake) broadcast(ctx context.Context) {
	for p := 0; ctx.Err() == nil; {
		for ; p < in.count(); p++ {
			in.listen(ctx, int32(p))
		}
		if pause(ctx, in.lookAgain(ctx)) != nil {
			return
		}
	}
}

// lookAgain finds out how many partitions the topic has by now and returns when to ask next.
func (in *intake) lookAgain(ctx context.Context) time.Duration {
	t, err := in.m.b.topics.get(ctx, in.sub.Topic)
	in.hindered(ctx, err)
	in.settled(err == nil)
	if err != nil {
		return roundLate
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partitions = max(in.partitions, t.partitions)
	return topicAge
}

func (in *intake) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.partitions
}

// listener reads one partition without a group and keeps no position.
type listener struct {
	in    *intake
	id    int32
	part  *partition
	next  int64
	reads cursor
}

func (in *intake) listen(ctx context.Context, p int32) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	reads := cursor{b: in.m.b, stream: stream(in.sub.Topic, p), last: in.resume[p].id}
	l := &listener{in: in, id: p, part: in.engine.Assign(p, 0), reads: reads}
	in.byPart.Store(l.part, l)
	in.work.Go(func() { l.run(ctx) })
}

func (l *listener) mayRun() bool   { return true }
func (l *listener) finished(*item) {}
func (l *listener) parked(*item)   {}

func (l *listener) run(ctx context.Context) {
	s, done := l.in.m.wakes.sleeper(ctx, l.reads.stream)
	defer done()
	wait := firstBackoff
	for l.part.Wait(ctx) == nil && ctx.Err() == nil {
		n, err := l.step(ctx)
		switch {
		case err != nil:
			if pause(ctx, wait) != nil {
				return
			}
			wait = min(2*wait, maxBackoff)
		case n > 0:
			s.busy()
			wait = firstBackoff
		default:
			s.sleep(ctx, l.reads.last.String(), nil)
		}
	}
}

func (l *listener) step(ctx context.Context) (int, error) {
	entries, err := l.reads.next(ctx, l.in.m.b.cfg.MaxPollRecords)
	if err != nil {
		return 0, err
	}
	for i := range entries {
		rec := entries[i].record(l.in.sub.Topic, l.id, nil)
		l.part.Feed(dispatch.Entry[*broker.Record]{Position: l.next, Key: rec.Key, Size: rec.Size(), Value: rec})
		l.next++
	}
	return len(entries), nil
}

// after reads the entries of a stream after an id.
func (b *Broker) after(ctx context.Context, stream string, id entryID, n int) ([]entry, error) {
	streams, err := b.client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, id.String()}, Count: int64(n), Block: -1}).Result()
	if errors.Is(err, redis.Nil) || len(streams) == 0 {
		return nil, ignoreNil(err)
	}
	return toEntries(streams[0].Messages), nil
}

func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func toEntries(ms []redis.XMessage) []entry {
	es := make([]entry, 0, len(ms))
	for _, m := range ms {
		es = append(es, entry{id: []byte(m.ID), fields: fieldsOf(m.Values)})
	}
	return es
}

func fieldsOf(values map[string]any) [][]byte {
	if values == nil {
		return nil
	}
	fields := make([][]byte, 0, 2*len(values))
	for k, v := range values {
		s, _ := v.(string)
		fields = append(fields, []byte(k), []byte(s))
	}
	return fields
}

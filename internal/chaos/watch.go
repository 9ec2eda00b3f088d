package chaos

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// watch looks after memory and what the group of the first stage has acknowledged, until ctx ends. The
// channel is closed when it is done.
func (r *run) watch(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		look, end := r.commits()
		defer end()
		for wait(ctx, pollEvery) == nil {
			r.fleet.weigh()
			look(ctx)
		}
	}()
	return done
}

// commits returns what notes the commits, and what ends it. A server that is down has nothing to tell.
func (r *run) commits() (look func(context.Context), end func()) {
	if r.servers.kafka == nil {
		c := r.servers.client()
		return r.briefly(func(ctx context.Context) { r.acknowledged(ctx, c) }), func() { _ = c.Close() }
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(r.servers.kafka.Brokers()...), kgo.RequestRetries(1))
	if err != nil {
		return func(context.Context) {}, func() {}
	}
	adm := kadm.NewClient(c)
	return r.briefly(func(ctx context.Context) { r.committed(ctx, adm) }), c.Close
}

func (r *run) briefly(look func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		asking, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		look(asking)
	}
}

// committed notes the offsets that the group has committed on Kafka.
func (r *run) committed(ctx context.Context, adm *kadm.Client) {
	os, err := adm.FetchOffsets(ctx, r.names.group(In))
	if err != nil {
		return
	}
	os.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 && o.Topic == r.names.topic(In) {
			r.noteCommit(o.Partition, strconv.FormatInt(o.At, 10))
		}
	})
}

// acknowledged notes the first entry of each stream that the group has not acknowledged, or what follows the
// last one delivered: everything below is acknowledged.
func (r *run) acknowledged(ctx context.Context, c redisClient) {
	for p, stream := range r.streams(In) {
		gs, err := c.XInfoGroups(ctx, stream).Result()
		if err != nil {
			continue
		}
		for _, g := range gs {
			if g.Name != r.names.group(In) {
				continue
			}
			if id, ok := firstPending(ctx, c, stream, g); ok {
				r.noteCommit(int32(p), id)
			}
		}
	}
}

// firstPending is asked after g was read, so that what was delivered between cannot hide.
func firstPending(ctx context.Context, c redisClient, stream string, g redis.XInfoGroup) (string, bool) {
	pending, err := c.XPending(ctx, stream, g.Name).Result()
	if err != nil {
		return "", false
	}
	delivered, _ := position(g.LastDeliveredID)
	if first, ok := position(pending.Lower); pending.Count > 0 && ok && first <= delivered {
		return pending.Lower, true
	}
	return after(g.LastDeliveredID), true
}

// after is the smallest id above id.
func after(id string) string {
	ms, seq, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseInt(seq, 10, 64)
	return ms + "-" + strconv.FormatInt(n+1, 10)
}

func (r *run) noteCommit(partition int32, offset string) {
	_ = r.log.Add(Event{Kind: Commit, Partition: partition, Offset: offset})
}

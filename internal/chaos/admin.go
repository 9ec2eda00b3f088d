package chaos

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type redisClient = *redis.Client

// withKafka lends a client that goes straight to the servers.
func (r *run) withKafka(do func(*kadm.Client) error) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(r.servers.kafka.Brokers()...))
	if err != nil {
		return err
	}
	defer c.Close()
	return do(kadm.NewClient(c))
}

// withRedis lends a client that goes straight to the server.
func (r *run) withRedis(do func(redisClient) error) error {
	c := r.servers.client()
	defer c.Close() //nolint:errcheck // nothing to flush
	return do(c)
}

// streams are the names of a topic's partitions on Redis.
func (r *run) streams(s Stage) []string {
	topic := r.names.topic(s)
	streams := []string{topic}
	for p := 1; p < r.names.partitions; p++ {
		streams = append(streams, topic+":"+strconv.Itoa(p))
	}
	return streams
}

// rested notes what the groups have not acknowledged after every member has left in order.
func (r *run) rested(ctx context.Context) error {
	for _, s := range r.fault.stages() {
		if err := r.lag(ctx, s); err != nil {
			return fmt.Errorf("what group %s has left: %w", r.names.group(s), err)
		}
	}
	return nil
}

func (r *run) lag(ctx context.Context, s Stage) error {
	if r.servers.kafka != nil {
		return r.withKafka(func(adm *kadm.Client) error { return r.kafkaLag(ctx, adm, s) })
	}
	return r.withRedis(func(c redisClient) error { return r.redisLag(ctx, c, s) })
}

func (r *run) kafkaLag(ctx context.Context, adm *kadm.Client, s Stage) error {
	lags, err := adm.Lag(ctx, r.names.group(s))
	if err != nil {
		return err
	}
	for _, l := range lags[r.names.group(s)].Lag.Sorted() {
		if l.Topic == r.names.topic(s) && l.Lag > 0 {
			r.leftOver(s, int(l.Partition), l.Lag)
		}
	}
	return nil
}

func (r *run) redisLag(ctx context.Context, c redisClient, s Stage) error {
	for p, stream := range r.streams(s) {
		gs, err := c.XInfoGroups(ctx, stream).Result()
		if err != nil {
			continue // nothing was ever written there
		}
		for _, g := range gs {
			behind, err := c.XRange(ctx, stream, "("+g.LastDeliveredID, "+").Result()
			if err != nil {
				return err
			}
			if n := g.Pending + int64(len(behind)); n > 0 && g.Name == r.names.group(s) {
				r.leftOver(s, p, n)
			}
		}
	}
	return nil
}

func (r *run) leftOver(s Stage, partition int, n int64) {
	r.notes = append(r.notes, fmt.Sprintf("lag: group %s has %d messages of partition %d left, and all were handled", r.names.group(s), n, partition))
}

package redis

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

const (
	// topicAge is how long what is known of a topic is believed.
	topicAge = 5 * time.Second
	// defaultRetention is how long the messages of a topic are kept that says nothing.
	defaultRetention = 7 * 24 * time.Hour
)

// topic is what the hash of a topic says.
type topic struct {
	known      bool // it has a hash
	partitions int
	kind       topics.Kind
	retention  time.Duration // negative: for ever
	streams    []string      // of the partitions, when it comes from the registry
}

func (t topic) fields() []any {
	return []any{t.partitions, string(t.kind), t.retention.Milliseconds()}
}

func parseTopic(h map[string]string) topic {
	n, _ := strconv.Atoi(h["partitions"])
	ms, _ := strconv.ParseInt(h["retention"], 10, 64)
	t := topic{known: len(h) > 0, partitions: max(n, 1), kind: topics.Kind(h["kind"]), retention: time.Duration(ms) * time.Millisecond}
	if t.retention == 0 {
		t.retention = defaultRetention
	}
	return t
}

// registry knows the topics. It puts a topic back whose hash was lost with the server's data.
type registry struct {
	client redis.UniversalClient
	log    *slog.Logger
	mu     sync.Mutex
	topics map[string]known
}

type known struct {
	topic
	at time.Time
}

func newRegistry(c redis.UniversalClient, log *slog.Logger) *registry {
	return &registry{client: c, log: log, topics: map[string]known{}}
}

// get returns a topic as it was at most topicAge ago.
func (r *registry) get(ctx context.Context, name string) (topic, error) {
	r.mu.Lock()
	k, ok := r.topics[name]
	r.mu.Unlock()
	if ok && time.Since(k.at) < topicAge {
		return k.topic, nil
	}
	return r.read(ctx, name)
}

// read asks the server.
func (r *registry) read(ctx context.Context, name string) (topic, error) {
	if err := checkTopic(name); err != nil {
		return topic{}, err
	}
	h, err := r.client.HGetAll(ctx, topicKey(name)).Result()
	if err != nil {
		return topic{}, err
	}
	t := parseTopic(h)
	if old := r.last(name); old.known && !t.known {
		r.log.Warn("topic was gone from redis and is registered again", "topic", name, "partitions", old.partitions)
		if err := r.create(ctx, name, old); err != nil {
			return topic{}, err
		}
		t = old
	}
	t.streams = streamsOf(name, t.partitions)
	r.keep(name, t)
	return t, nil
}

func (r *registry) last(name string) topic {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.topics[name].topic
}

func (r *registry) keep(name string, t topic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topics[name] = known{t, time.Now()}
}

func streamsOf(topic string, partitions int) []string {
	ss := make([]string, partitions)
	for p := range ss {
		ss[p] = stream(topic, int32(p))
	}
	return ss
}

// create registers a topic that has no hash.
func (r *registry) create(ctx context.Context, name string, t topic) error {
	err := createScript.Run(ctx, r.client, []string{topicKey(name)}, t.fields()...).Err()
	if err != nil {
		return err
	}
	return r.client.SAdd(ctx, topicSet, name).Err()
}

// CreateTopics registers topics that are not. A stream that exists without being registered
// keeps its one partition.
func (b *Broker) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	var errs []error
	for _, t := range ts {
		errs = append(errs, explain(again(ctx, func() error { return b.createTopic(ctx, t) })))
	}
	return errors.Join(errs...)
}

func (b *Broker) createTopic(ctx context.Context, c broker.TopicConfig) error {
	if err := checkTopic(c.Name); err != nil {
		return err
	}
	t := topic{known: true, partitions: max(c.Partitions, 1), kind: c.Kind, retention: c.Retention}
	if t.partitions > 1 {
		n, err := b.client.Exists(ctx, c.Name).Result()
		if err != nil {
			return err
		}
		if n > 0 {
			t.partitions = 1
		}
	}
	if t.retention < 0 {
		t.retention = -time.Millisecond
	}
	if err := b.topics.create(ctx, c.Name, t); err != nil {
		return err
	}
	_, err := b.topics.read(ctx, c.Name)
	return err
}

// Topics lists the registered topics.
func (b *Broker) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	var infos []broker.TopicInfo
	err := again(ctx, func() (err error) { infos, err = b.listTopics(ctx); return err })
	return infos, err
}

func (b *Broker) listTopics(ctx context.Context) ([]broker.TopicInfo, error) {
	names, err := b.client.SMembers(ctx, topicSet).Result()
	if err != nil {
		return nil, err
	}
	hashes, err := b.hashesOf(ctx, names)
	if err != nil {
		return nil, err
	}
	var infos []broker.TopicInfo
	for i, h := range hashes {
		if t := parseTopic(h.Val()); t.known {
			infos = append(infos, broker.TopicInfo{Name: names[i], Partitions: t.partitions, Kind: t.kind})
		}
	}
	slices.SortFunc(infos, func(a, b broker.TopicInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// hashesOf asks for all of them together: one round trip each would take seconds with thousands of topics.
func (b *Broker) hashesOf(ctx context.Context, names []string) ([]*redis.MapStringStringCmd, error) {
	hashes := make([]*redis.MapStringStringCmd, len(names))
	_, err := b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			hashes[i] = p.HGetAll(ctx, topicKey(name))
		}
		return nil
	})
	return hashes, err
}

// partitionsOf asks the server how many partitions a topic has; 1 where it is not registered.
func (b *Broker) partitionsOf(ctx context.Context, name string) (n int, err error) {
	err = again(ctx, func() error {
		h, err := b.client.HGetAll(ctx, topicKey(name)).Result()
		n = parseTopic(h).partitions
		return err
	})
	return n, err
}

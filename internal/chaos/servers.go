package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leat-go/leat/internal/testservers"
)

// kind names a set-up of servers that a fault needs.
type kind string

// The set-ups.
const (
	cluster       kind = "kafka, 3 nodes"
	single        kind = "kafka, 1 node behind a link"
	redisMemory   kind = "redis in memory behind a link"
	redisAlways   kind = "redis, appendfsync always"
	redisEverysec kind = "redis, appendfsync everysec"
	redisNo       kind = "redis, appendfsync no"
	smallCluster  kind = "kafka, 3 nodes, one with a small disk"
	smallRedis    kind = "redis, appendfsync everysec, a small disk"
	avroKafka     kind = "kafka, 1 node behind a link, and a registry"
	avroRedis     kind = "redis in memory behind a link, and a registry"
)

// servers are running servers and how members reach them.
type servers struct {
	broker      string // kafka or redis
	replication int
	env         []string
	kafka       *testservers.KafkaServer // nil on Redis
	redis       *testservers.RedisServer // nil on Kafka
	link        *link                    // nil when there is none
	disk        *disk                    // nil when there is none
	dir         string                   // of the disk and what lies beside it
	front       *front                   // nil when messages are JSON
	registry    *testservers.RegistryServer
}

// park keeps servers running for all faults that need the same ones.
type park struct{ running map[kind]*servers }

func newPark() *park { return &park{map[kind]*servers{}} }

// get starts the set-up when it does not run yet.
func (p *park) get(ctx context.Context, k kind) (*servers, error) {
	if s := p.running[k]; s != nil {
		return s, nil
	}
	s, err := start(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", k, err)
	}
	p.running[k] = s
	return s, nil
}

// drop stops a set-up, to free the machine.
func (p *park) drop(k kind) (err error) {
	if s := p.running[k]; s != nil {
		err = s.close()
	}
	delete(p.running, k)
	return err
}

func (p *park) close() (err error) {
	for k := range p.running {
		err = errors.Join(err, p.drop(k))
	}
	return err
}

func start(ctx context.Context, k kind) (*servers, error) {
	switch k {
	case cluster:
		return startCluster(ctx, testservers.KafkaOptions{})
	case smallCluster:
		return startSmallCluster(ctx)
	case avroKafka:
		return withRegistry(ctx, startSingle)
	case avroRedis:
		return withRegistry(ctx, func(ctx context.Context) (*servers, error) { return startRedis(ctx, testservers.RedisOptions{}) })
	case smallRedis:
		return startSmallRedis(ctx)
	case redisNo:
		return startRedis(ctx, testservers.RedisOptions{AppendOnly: true, AppendFsync: "no"})
	case single:
		return startSingle(ctx)
	case redisAlways:
		return startRedis(ctx, testservers.RedisOptions{AppendOnly: true, AppendFsync: "always"})
	case redisEverysec:
		return startRedis(ctx, testservers.RedisOptions{AppendOnly: true, AppendFsync: "everysec"})
	case redisMemory:
		return startRedis(ctx, testservers.RedisOptions{})
	}
	return nil, errors.New("no such set-up")
}

// kafkaEnv notices a lost member soon.
func kafkaEnv(addrs ...string) []string {
	return []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(addrs, ","),
		"KAFKA_SESSION_TIMEOUT=6s", "KAFKA_HEARTBEAT_INTERVAL=1s",
	}
}

func startCluster(ctx context.Context, o testservers.KafkaOptions) (*servers, error) {
	o.Nodes = 3
	k, err := testservers.StartKafka(ctx, o)
	if err != nil {
		return nil, err
	}
	return &servers{broker: "kafka", replication: 3, env: kafkaEnv(k.Brokers()...), kafka: k}, nil
}

// startSingle starts one node that tells its clients to come through the link.
func startSingle(ctx context.Context) (*servers, error) {
	port, err := testservers.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLink("127.0.0.1:0", loopback(port))
	if err != nil {
		return nil, err
	}
	k, err := testservers.StartKafka(ctx, testservers.KafkaOptions{
		Port: port, Properties: map[string]string{"advertised.listeners": "PLAINTEXT://" + l.proxy.Listen},
	})
	if err != nil {
		l.close()
		return nil, err
	}
	return &servers{broker: "kafka", replication: 1, env: kafkaEnv(l.proxy.Listen), kafka: k, link: l}, nil
}

func startRedis(ctx context.Context, o testservers.RedisOptions) (*servers, error) {
	r, err := testservers.StartRedis(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := newLink("127.0.0.1:0", r.Addr())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	env := []string{"REDIS_ENABLED=true", "REDIS_URL=redis://" + l.proxy.Listen + "/0", "REDIS_LEASE=5s"}
	return &servers{broker: "redis", env: env, redis: r, link: l}, nil
}

// startSmallCluster gives node 1 a disk that can be filled.
func startSmallCluster(ctx context.Context) (*servers, error) {
	dir, err := os.MkdirTemp("", "leat-chaos-kafka-")
	if err != nil {
		return nil, err
	}
	return onDisk(ctx, dir, filepath.Join(dir, "node-1"), "512m", func() (*servers, error) {
		return startCluster(ctx, testservers.KafkaOptions{DataDir: dir})
	})
}

func startSmallRedis(ctx context.Context) (*servers, error) {
	dir, err := os.MkdirTemp("", "leat-chaos-redis-")
	if err != nil {
		return nil, err
	}
	return onDisk(ctx, dir, dir, "512m", func() (*servers, error) {
		return startRedis(ctx, testservers.RedisOptions{DataDir: dir, AppendOnly: true, AppendFsync: "everysec"})
	})
}

// onDisk starts servers whose data, all of them in dir, lie on a disk mounted at point.
func onDisk(ctx context.Context, dir, point, size string, start func() (*servers, error)) (*servers, error) {
	d, err := newDisk(ctx, point, size)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s, err := start()
	if err != nil {
		return nil, errors.Join(err, d.close(), os.RemoveAll(dir))
	}
	s.disk, s.dir = d, dir
	return s, nil
}

// withRegistry adds a registry that can be spoiled; messages are Avro then.
func withRegistry(ctx context.Context, start func(context.Context) (*servers, error)) (*servers, error) {
	s, err := start(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.addRegistry(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *servers) addRegistry(ctx context.Context) (err error) {
	if s.registry, err = testservers.StartRegistry(ctx, testservers.RegistryOptions{}); err != nil {
		return err
	}
	if s.front, err = newFront(ctx, s.registry.URL()); err != nil {
		return err
	}
	s.env = append(s.env, "KAFKA_SCHEMA_REGISTRY_URL="+s.front.url)
	return nil
}

// format is how messages are encoded.
func (s *servers) format() string {
	if s.registry != nil {
		return "avro"
	}
	return "json"
}

func (s *servers) close() (err error) {
	if s.link != nil {
		s.link.close()
	}
	if s.kafka != nil {
		err = s.kafka.Close()
	}
	if s.redis != nil {
		err = s.redis.Close()
	}
	if s.front != nil {
		err = errors.Join(err, s.front.close())
	}
	if s.registry != nil {
		err = errors.Join(err, s.registry.Close())
	}
	if s.disk != nil {
		err = errors.Join(err, s.disk.close(), os.RemoveAll(s.dir))
	}
	return err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

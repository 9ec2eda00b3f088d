package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
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
)

// servers are running servers and how members reach them.
type servers struct {
	broker      string // kafka or redis
	replication int
	env         []string
	kafka       *testservers.KafkaServer // nil on Redis
	redis       *testservers.RedisServer // nil on Kafka
	link        *link                    // nil when there is none
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
		return startCluster(ctx)
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

func startCluster(ctx context.Context) (*servers, error) {
	k, err := testservers.StartKafka(ctx, testservers.KafkaOptions{Nodes: 3})
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

func (s *servers) close() error {
	if s.link != nil {
		s.link.close()
	}
	if s.kafka != nil {
		return s.kafka.Close()
	}
	return s.redis.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

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
	partedCluster kind = "kafka, 3 nodes with links between them"
	sentinels     kind = "redis, a master and a replica with sentinels"
)

// servers are running servers and how members reach them.
type servers struct {
	broker      string // kafka or redis
	replication int
	env         []string
	kafka       *testservers.KafkaServer // nil on Redis
	redis       *testservers.RedisServer // nil on Kafka, and with sentinels
	sentinels   *testservers.RedisSentinels
	link        *link   // nil when there is none
	ways        []*wire // between servers, when they can be cut
	disk        *disk   // nil when there is none
	dir         string  // of the disk and what lies beside it
	front       *front  // nil when messages are JSON
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
	s, err := starts[k](ctx)
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

// starts are how the set-ups are started.
var starts = map[kind]func(context.Context) (*servers, error){
	cluster:       startCluster,
	partedCluster: startParted,
	smallCluster:  startSmallCluster,
	single:        startSingle,
	avroKafka:     func(ctx context.Context) (*servers, error) { return withRegistry(ctx, startSingle) },
	redisMemory:   redisWith(testservers.RedisOptions{}),
	redisAlways:   redisWith(testservers.RedisOptions{AppendOnly: true, AppendFsync: "always"}),
	redisEverysec: redisWith(testservers.RedisOptions{AppendOnly: true, AppendFsync: "everysec"}),
	redisNo:       redisWith(testservers.RedisOptions{AppendOnly: true, AppendFsync: "no"}),
	smallRedis:    startSmallRedis,
	avroRedis: func(ctx context.Context) (*servers, error) {
		return withRegistry(ctx, redisWith(testservers.RedisOptions{}))
	},
	sentinels: startSentinels,
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
	if s.sentinels != nil {
		err = s.sentinels.Close()
	}
	for _, w := range s.ways {
		w.close()
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
